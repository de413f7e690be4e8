// The same objects for `import` as for `require`: were there two copies, an error of the one would be
// no instance of the other's classes.
export * from "./caxton.cjs";
