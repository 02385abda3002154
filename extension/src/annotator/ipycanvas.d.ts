/** ipycanvas comes with its own Python package; only its module as a whole is handed on to the widget manager. */
declare module 'ipycanvas' {
  const exports: Record<string, unknown>;
  export default exports;
  export const MODULE_VERSION: string;
}
