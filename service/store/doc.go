// Package store keeps what the service must remember: accounts, devices,
// sessions, contacts, and little else. One SQL text serves two engines: SQLite
// in the data directory (pure Go, the whole file encrypted) and PostgreSQL.
//
// Every method is one transaction, named by its use; times come from
// Options.Now. Personal columns are sealed (AEAD) with a data key of the
// account, data keys and everything short-lived with the keyring, and the
// keyring with the master key. A sealed value is bound to its table, column and
// row. E-mail addresses are found through a keyed hash.
//
// tables.go says of every table what an export contains, what a removal
// erases, how long rows live and what a backup carries; a test holds it against
// the real schema of both engines.
package store
