// Package mail sends the mails of the service: over SMTP, or, while developing,
// to a directory and the console.
package mail
