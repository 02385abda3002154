// Numbers of modules in order of use: the default is a hash that depends on the folder in which the build runs.
module.exports = { optimization: { moduleIds: 'natural' } };
