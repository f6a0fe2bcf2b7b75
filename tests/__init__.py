"""All tests. A package, because one that a dependency brings under the same name would else be found first."""
