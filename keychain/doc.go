// Package keychain keeps small named secrets, such as the key of this device,
// behind Get, Set and Delete. There are three stores:
//
//   - os: the keychain of the operating system (Secret Service on Linux, the
//     Keychain on macOS, the Credential Manager on Windows), through go-keyring;
//   - file: one file, sealed by a passphrase;
//   - memory: for this run only.
//
// [Open] chooses one and returns it as a value; [Keychain.Describe] says in one
// sentence for people which one it is and what that means. Only cmd calls it.
//
// It never falls back to a file that is not sealed, never starts a session bus,
// never waits longer than a few seconds for a keychain that does not answer,
// and never logs a secret.
package keychain
