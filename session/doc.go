// Package session holds calls, shares, views, rights and consent. It is the
// only package where pixels, events and a peer meet.
//
// A Call is a set of devices connected peer to peer. Nobody in it is host or
// guest: each member may share any number of windows and view everybody's. The
// package decides on this machine, and on this machine alone, who may see,
// point at and control a shared window; neither the service nor a peer can
// widen a right. It never talks to the operating system or to the network
// itself: capture, gates, peers and the mailbox are handed in by cmd.
package session
