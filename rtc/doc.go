// Package rtc is one Pion connection to one peer: media tracks, an ordered and
// a lossy data channel, NACK and refresh requests, ICE and its restart. session
// runs one Peer per member. No Pion callback leaves the package; Run waits for
// everything that it started. Signals come already authenticated; the package
// itself checks that the certificate in use is the signed one.
package rtc
