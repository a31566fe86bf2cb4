package rtc

// udpHeaders is what IPv4 and UDP add to every packet (RFC 791, RFC 768).
const udpHeaders = 20 + 8

// Traffic is what a connection has carried over the path in use, in bytes with
// IPv4 and UDP headers. The checks by which ICE keeps the path alive are not in
// it.
type Traffic struct{ Sent, Received int64 }

// Traffic counts since the path in use was found; zero before.
func (p *Peer) Traffic() Traffic {
	s, ok := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return Traffic{}
	}
	return Traffic{
		Sent:     int64(s.BytesSent) + udpHeaders*int64(s.PacketsSent),
		Received: int64(s.BytesReceived) + udpHeaders*int64(s.PacketsReceived),
	}
}
