// Package peer is a connection to another device as a call has it: Pion's, by rtc,
// with the coders of this build, the relay of the call's service and a count of
// what it carries.
package peer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"viewflip.app/rtc"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// Options say what the connections of one call are made with.
type Options struct {
	// Mail is the call's mailbox at Service: it is asked for the service's relay.
	Mail    *client.Client
	Service wire.Service
	// ICE are further STUN and TURN servers.
	ICE []rtc.ICEServer
	// Traffic counts what the connection carries; required.
	Traffic *Traffic
	// Log is required.
	Log *slog.Logger
}

// New makes a connection; offerer says which side of it begins. Nothing is sent
// before Run.
func New(o Options, offerer bool, s session.Signaller) (session.Peer, error) {
	ro := rtc.Options{Offerer: offerer, ICEServers: o.ICE, Codecs: Codecs(), Log: o.Log}
	ro.Relay = func(ctx context.Context) ([]rtc.ICEServer, time.Time, error) {
		return relayServers(ctx, o.Mail, o.Service)
	}
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		o.Log.Debug("no TCP candidates", "err", err)
	} else {
		ro.TCP = ln
	}
	p, err := rtc.New(ro, s)
	if err != nil {
		return nil, err
	}
	return Wrap(p, o.Traffic), nil
}

// Wrap makes of a connection what session asks for, and counts what it carries.
func Wrap(p *rtc.Peer, t *Traffic) session.Peer {
	return &Peer{Peer: p, states: make(chan session.PeerState, 1), traffic: t}
}

// Peer makes an rtc.Peer what session asks for.
type Peer struct {
	*rtc.Peer
	states  chan session.PeerState
	traffic *Traffic
}

// Run runs the connection and translates its states while it lasts.
func (p *Peer) Run(ctx context.Context) error {
	p.traffic.add(p.Peer)
	defer p.traffic.remove(p.Peer)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for st := range p.Peer.States() {
			s := session.Connecting
			switch st {
			case rtc.StateConnected:
				s = session.Connected
			case rtc.StateInterrupted:
				s = session.Interrupted
			default: // being connected, or over, which Run tells
			}
			select {
			case <-p.states:
			default:
			}
			p.states <- s
		}
	}()
	err := p.Peer.Run(ctx)
	<-done
	if errors.Is(err, rtc.ErrSlow) {
		err = session.ErrSlow
	}
	return err
}

// States implements [session.Peer].
func (p *Peer) States() <-chan session.PeerState { return p.states }

// Recv implements [session.Peer].
func (p *Peer) Recv(ctx context.Context) ([]byte, error) {
	m, err := p.Peer.Recv(ctx)
	return m.Data, err
}

// AddTrack implements [session.Peer].
func (p *Peer) AddTrack(ctx context.Context, id string) (session.OutTrack, error) {
	t, err := p.Peer.AddTrack(ctx, id)
	if err != nil {
		return nil, err
	}
	return outTrack{t}, nil
}

// AcceptTrack implements [session.Peer].
func (p *Peer) AcceptTrack(ctx context.Context) (session.InTrack, error) {
	t, err := p.Peer.AcceptTrack(ctx)
	if err != nil {
		return nil, err
	}
	return inTrack{t}, nil
}

type outTrack struct{ *rtc.OutTrack }

func (t outTrack) Codec(ctx context.Context) (string, error) {
	c, err := t.OutTrack.Codec(ctx)
	return c.MimeType, err
}

type inTrack struct{ *rtc.InTrack }

func (t inTrack) Codec() string { return t.InTrack.Codec().MimeType }

func (t inTrack) Read(ctx context.Context) (session.TrackFrame, error) {
	f, err := t.InTrack.Read(ctx)
	return session.TrackFrame{Data: f.Data, Timestamp: f.Timestamp, Received: f.Received, Lost: f.Lost}, err
}
