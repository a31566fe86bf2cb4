// Package accounts is what a service knows of people: sign-up and login, devices,
// contacts, the vault, linking, recovery, and the presence of who is connected. It
// answers HTTP requests beside a mailbox (package service), whose connections it
// binds to sessions, keeps what lasts in package store, and joins the nodes of one
// service by package bus. cmd/viewflipd runs it.
//
// The mailbox knows none of this: it asks through service.Accounts, and other
// nodes through service.Nodes, both of which are made here. So a program with a
// mailbox alone, as cmd/viewflip, has no database and no message bus in it.
//
// It never logs an address, a name or a key. What it stores is in package store.
package accounts
