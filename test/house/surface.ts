import ts from "typescript";

/** The names one door exports, sorted by code unit. */
export interface DoorSurface {
  /** Names that exist at run time; a class stands here and not under `types`. */
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** Door (as a user imports it) -> what it exports. */
export type Surface = Readonly<Record<string, DoorSurface>>;

/** Reads what doors export with the compiler, so that types and re-exports count; `doors` maps a door to its file. */
export function readSurface(doors: Readonly<Record<string, string>>, options: ts.CompilerOptions): Surface {
  const program = ts.createProgram(Object.values(doors), options);
  const checker = program.getTypeChecker();
  return Object.fromEntries(
    Object.entries(doors).map(([door, path]) => {
      const file = program.getSourceFile(path);
      const symbol = file === undefined ? undefined : checker.getSymbolAtLocation(file);
      const exported = symbol === undefined ? [] : checker.getExportsOfModule(symbol);
      const names = (isValue: boolean): string[] =>
        exported
          .filter((entry) => hasValue(entry, checker) === isValue)
          .map((entry) => entry.name)
          .sort();
      return [door, { values: names(true), types: names(false) }];
    }),
  );
}

function hasValue(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const isTypeOnly = symbol.declarations?.some((declaration) => ts.isTypeOnlyExportDeclaration(declaration)) ?? false;
  const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  return !isTypeOnly && (target.flags & ts.SymbolFlags.Value) !== 0;
}

/** What changed between two surfaces, one line a name. */
export function surfaceDiff(golden: Surface, current: Surface): readonly string[] {
  const before = new Set(entriesOf(golden));
  const after = new Set(entriesOf(current));
  return [
    ...[...before].filter((entry) => !after.has(entry)).map((entry) => `- ${entry}`),
    ...[...after].filter((entry) => !before.has(entry)).map((entry) => `+ ${entry}`),
  ];
}

function entriesOf(surface: Surface): readonly string[] {
  return Object.entries(surface).flatMap(([door, { values, types }]) => [
    ...values.map((name) => `${door}: value ${name}`),
    ...types.map((name) => `${door}: type ${name}`),
  ]);
}
