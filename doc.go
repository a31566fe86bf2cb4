// Package viewflip is the root of the module. It holds no code, only the test
// that guards who may import whom: see ARCHITECTURE.md.
package viewflip
