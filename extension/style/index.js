import './base.css';
import './annotator.css';
import './projecttabs.css';
import './quality.css';
import './sets.css';
import './runs.css';
import './courses.css';
