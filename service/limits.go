package service

import "time"

// Rate is a token bucket: so many a second, so many at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits bound what anybody can make the service do. A zero field means the
// default.
type Limits struct {
	// Connections is how many TCP connections are open at once; 10000.
	Connections int
	// ConnectionsPerAddress is how many of them from one IPv4 address or IPv6
	// /64; 256, because a company may stand behind one address.
	ConnectionsPerAddress int
	// Connects limits new connections of one address; 10 a second, 100 at once.
	Connects Rate
	// Requests limits one connection; 50 a second, 200 at once.
	Requests Rate
	// RequestsPerAddress limits all connections of one address together; 500 a
	// second, 2000 at once.
	RequestsPerAddress Rate
	// Refusals is how many requests over the limit a connection survives;
	// 2 a second, 200 at once.
	Refusals Rate

	// Logins limits what of one address costs Accounts a lot: sign-ups, logins,
	// linking; 5 a second, 60 at once.
	Logins Rate

	// QueueMessages and QueueBytes bound what waits for one device; 32 and
	// 256 KiB. One sender may use half of the messages.
	QueueMessages, QueueBytes int
	// QueueTime is how long a message waits, and a device that lost its
	// connection counts as present; 60 s.
	QueueTime time.Duration
	// QueuedBytes bounds what waits for all devices together; 64 MiB.
	QueuedBytes int
	// QueuedBytesPerAddress bounds what waits for the devices that connect from
	// one address; an eighth of QueuedBytes, and one full queue at least.
	QueuedBytesPerAddress int

	// Invites is how many invitations one device has open; 64.
	Invites int
	// InviteTime is how long an invitation can last; 14 days.
	InviteTime time.Duration

	// Handshake is the time to prove a key; 10 s.
	Handshake time.Duration
	// Ping is the time between signs of life, Answer the time for one, and for
	// every write; 30 s and 10 s.
	Ping, Answer time.Duration
	// Drain is how long goodbyes may take when Run ends; 3 s.
	Drain time.Duration
}

func (l Limits) withDefaults() Limits {
	d := Limits{
		Connections: 10000, ConnectionsPerAddress: 256,
		Connects: Rate{10, 100}, Requests: Rate{50, 200}, RequestsPerAddress: Rate{500, 2000}, Refusals: Rate{2, 200}, Logins: Rate{5, 60},
		QueueMessages: 32, QueueBytes: 256 << 10, QueueTime: time.Minute, QueuedBytes: 64 << 20,
		Invites: 64, InviteTime: 14 * 24 * time.Hour,
		Handshake: 10 * time.Second, Ping: 30 * time.Second, Answer: 10 * time.Second, Drain: 3 * time.Second,
	}
	or(&l.Connections, d.Connections)
	or(&l.ConnectionsPerAddress, d.ConnectionsPerAddress)
	or(&l.Connects, d.Connects)
	or(&l.Requests, d.Requests)
	or(&l.RequestsPerAddress, d.RequestsPerAddress)
	or(&l.Refusals, d.Refusals)
	or(&l.Logins, d.Logins)
	or(&l.QueueMessages, d.QueueMessages)
	or(&l.QueueBytes, d.QueueBytes)
	or(&l.QueueTime, d.QueueTime)
	or(&l.QueuedBytes, d.QueuedBytes)
	or(&l.QueuedBytesPerAddress, max(l.QueuedBytes/8, l.QueueBytes))
	or(&l.Invites, d.Invites)
	or(&l.InviteTime, d.InviteTime)
	or(&l.Handshake, d.Handshake)
	or(&l.Ping, d.Ping)
	or(&l.Answer, d.Answer)
	or(&l.Drain, d.Drain)
	return l
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
