// Package client is a device's side of the service: it keeps one connection
// alive, proves the device's key, and carries sealed messages. cmd makes one
// for each call; session uses it as its Mailbox.
//
// What is sent arrives once and in order, over reconnects too, as long as both
// ends come back within the minute for which the service keeps messages.
// Open invitations are announced again after each reconnect.
//
// It trusts nothing but the pin of the service's certificate. Who a message is
// from, what it says and whether it is fresh is for the reader to check: see
// package wire. It never logs messages or keys.
package client
