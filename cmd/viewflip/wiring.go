package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"time"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
	"viewflip.app/wire"
)

// peer makes an rtc.Peer what session asks for.
type peer struct {
	*rtc.Peer
	states  chan session.PeerState
	traffic *traffic
}

// newPeer makes a connection of the call whose mailbox is mail.
func (a *app) newPeer(mail *client.Client, svc wire.Service, offerer bool, s session.Signaller) (session.Peer, error) {
	o := rtc.Options{Offerer: offerer, ICEServers: a.ice, Codecs: codecs(), Log: a.log}
	o.Relay = func(ctx context.Context) ([]rtc.ICEServer, time.Time, error) { return relayServers(ctx, mail, svc) }
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		a.log.Debug("no TCP candidates", "err", err)
	} else {
		o.TCP = ln
	}
	p, err := rtc.New(o, s)
	if err != nil {
		return nil, err
	}
	return &peer{Peer: p, states: make(chan session.PeerState, 1), traffic: &a.traffic}, nil
}

// Run runs the connection and translates its states while it lasts.
func (p *peer) Run(ctx context.Context) error {
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

func (p *peer) States() <-chan session.PeerState { return p.states }

func (p *peer) Recv(ctx context.Context) ([]byte, error) {
	m, err := p.Peer.Recv(ctx)
	return m.Data, err
}

func (p *peer) AddTrack(ctx context.Context, id string) (session.OutTrack, error) {
	t, err := p.Peer.AddTrack(ctx, id)
	if err != nil {
		return nil, err
	}
	return outTrack{t}, nil
}

func (p *peer) AcceptTrack(ctx context.Context) (session.InTrack, error) {
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

// codecs lists what this build can code and decode, the best first.
func codecs() []rtc.Codec {
	d, err := vpx.NewDecoder()
	if err != nil {
		return []rtc.Codec{{MimeType: rtc.MimeTypeTile}}
	}
	d.Close()
	return []rtc.Codec{{MimeType: rtc.MimeTypeTileVP9}, {MimeType: rtc.MimeTypeTile}, {MimeType: rtc.MimeTypeVP9}}
}

func newRegion(at image.Rectangle, quality int) (tile.RegionEncoder, error) {
	return vpx.NewRegionEncoder(at, quality)
}

func newEncoder(mime string) (session.Encoder, error) {
	switch mime {
	case rtc.MimeTypeTileVP9:
		return tile.NewEncoder(tile.Options{Region: newRegion})
	case rtc.MimeTypeTile:
		return tile.NewEncoder(tile.Options{})
	case rtc.MimeTypeVP9:
		return vpx.NewEncoder(vpx.Options{Text: true})
	default:
		return nil, fmt.Errorf("there is no encoder for %s", mime)
	}
}

func newDecoder(mime string) (session.Decoder, error) {
	switch mime {
	case rtc.MimeTypeTileVP9:
		region, err := vpx.NewRegionDecoder()
		if err != nil {
			return nil, err
		}
		return tile.NewDecoder(region)
	case rtc.MimeTypeTile:
		return tile.NewDecoder(nil)
	case rtc.MimeTypeVP9:
		return vpx.NewDecoder()
	default:
		return nil, fmt.Errorf("there is no decoder for %s", mime)
	}
}

func (a *app) openCapture(ctx context.Context, id platform.WindowID) (capture.Stream, error) {
	return a.sys.Capture(ctx, id, capture.Options{})
}

// gate makes an input.Gate what session asks for.
type gate struct{ *input.Gate }

func (g gate) Do(ev wire.Input, rights wire.Rights) (wire.Reason, bool) {
	v := g.Gate.Do(ev, rights)
	return v.Reason, v.OK()
}

// gates returns how gates are made here, or nil where control is impossible.
func (a *app) gates() func(context.Context, platform.WindowID) (session.Gate, error) {
	open := a.sys.Desks()
	if open == nil {
		return nil
	}
	return func(ctx context.Context, id platform.WindowID) (session.Gate, error) {
		desk, err := open(ctx, id)
		if err != nil {
			return nil, err
		}
		return gate{input.NewGate(input.Config{Desk: desk})}, nil
	}
}
