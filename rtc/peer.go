package rtc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"

	"viewflip.app/wire"
)

// Errors that callers act on.
var (
	// ErrFingerprint means that another certificate is in use than was signed:
	// somebody is in between. It is final.
	ErrFingerprint = errors.New("rtc: the connection was not made, because its certificate is not the signed one")
	// ErrClosed means that the connection is over.
	ErrClosed = errors.New("rtc: the connection is closed")
	// ErrTooLarge means that a message is over MaxMessage.
	ErrTooLarge = errors.New("rtc: the message is too large")
	// ErrTooManyTracks means that there would be more pictures at once than a
	// description can hold.
	ErrTooManyTracks = errors.New("rtc: too many tracks")
	// ErrFailed means that no path to the peer was found or is left.
	ErrFailed = errors.New("rtc: there is no network path to the other machine")
)

// MaxMessage bounds one data channel message, in bytes. A longer one from the
// other end is the end of the connection.
const MaxMessage = wire.MaxMessage

const (
	clockRate   = 90000 // RTP, Hz
	inBuffer    = 256
	trackBuffer = 32
	sctpMinCwnd = 96 << 10
	// sctpRTOMax is for motion and keys on a network that loses. Pion gives up
	// an association's handshake after eight of them, which is less than DTLS may
	// take to end at the other end: so there is none (SNAP,
	// draft-hancke-tsvwg-snap), and DTLS repeats sooner than after a second.
	sctpRTOMax = 100 * time.Millisecond
	dtlsRetry  = 200 * time.Millisecond
	// reportEvery is the least between two reports (RFC 3550, section 6.2).
	reportEvery = 5 * time.Second
	// nackSize is how many packets are kept for those who missed them.
	nackSize   = 8192
	outSignals = 128
	// maxLines bounds the lines of a description, which must fit a signal.
	maxLines = 40
)

const (
	// restartPause is how long an ICE restart may take before the next one: its
	// checks are given up after less, and the network may come back later.
	restartPause = 3 * time.Second
	// giveUp is how long an interruption may last, and the making of a
	// connection: the other end may be gone before it began.
	giveUp = 30 * time.Second
	// reasonTime is how long the reason for a closed channel is waited for;
	// Pion tells of both at once, in any order.
	reasonTime = 100 * time.Millisecond
)

// MIME types of the codecs: tiles, tiles with VP9 for what moves like video, and
// VP9 alone.
const (
	MimeTypeTile    = "video/x-viewflip-tile"
	MimeTypeTileVP9 = "video/x-viewflip-tile-vp9"
	MimeTypeVP9     = webrtc.MimeTypeVP9
)

// Codec is what a track carries.
type Codec struct{ MimeType string }

// Options of a connection.
type Options struct {
	// Offerer is true at exactly one end: only it makes offers.
	Offerer bool
	// ICEServers are used besides those of Relay.
	ICEServers []ICEServer
	// Relay returns servers whose credentials do not last, and when to ask again:
	// while they work still. It is asked before the connection is made, which waits
	// for serverTime at most, and so often that an ICE restart finds good ones.
	// Nil: there are none.
	Relay func(ctx context.Context) (servers []ICEServer, again time.Time, err error)
	// RelayOnly uses relayed paths alone (iceTransportPolicy "relay").
	RelayOnly bool
	// TCP takes connections of peers to whom no UDP leads (ICE-TCP, RFC 6544). The
	// Peer owns it. Nil: there are UDP candidates alone.
	TCP net.Listener
	// Codecs in order of preference; nil means tiles, then VP9.
	Codecs []Codec
	// Net replaces the network in tests.
	Net transport.Net
	Log *slog.Logger
}

// Signaller carries signals, authenticated end to end.
type Signaller interface {
	Send(ctx context.Context, s wire.Signal) error
	Recv(ctx context.Context) (wire.Signal, error)
}

// State is how the connection is.
type State uint8

// The states.
const (
	StateConnecting State = iota
	StateConnected
	StateInterrupted
	StateClosed
)

// Message is one data channel message.
type Message struct {
	Data  []byte
	Lossy bool
}

// Peer is a connection to one device.
type Peer struct {
	o   Options
	sig Signaller
	log *slog.Logger
	pc  *webrtc.PeerConnection

	connected chan struct{}
	states    chan State
	in        chan Message
	inTracks  chan *InTrack
	cands     chan webrtc.ICECandidateInit
	renew     chan bool // negotiate again; true restarts ICE
	opened    chan struct{}
	broken    chan error // a channel that closed, or should
	signals   chan wire.Signal
	changes   chan webrtc.PeerConnectionState
	servers   chan []ICEServer // of Options.Relay
	dialer    *dialer
	pacer     *pacer
	tcp       ice.TCPMux // nil without Options.TCP
	done      chan struct{}
	wg        sync.WaitGroup

	waiting, lossy waiting
	interrupted    atomic.Bool  // there is no path now
	held           atomic.Int64 // bytes of pictures that arrived and nobody took

	mu              sync.Mutex
	control, motion *webrtc.DataChannel
	remote          [32]byte // the signed fingerprint
	known           bool     // remote is set
}

// New makes a connection that Run brings to life.
func New(o Options, s Signaller) (*Peer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Codecs == nil {
		o.Codecs = []Codec{{MimeTypeTile}, {MimeTypeVP9}}
	}
	d, pace := &dialer{}, newPacer()
	api, mux, err := newAPI(o, d, pace)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rtc: %w", err), closeTCP(mux, o.TCP))
	}
	pc, err := api.NewPeerConnection(configuration(o, d, nil))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rtc: %w", err), closeTCP(mux, o.TCP))
	}
	return &Peer{
		servers: make(chan []ICEServer, 1), dialer: d, pacer: pace, tcp: mux,
		o: o, sig: s, log: o.Log, pc: pc,
		connected: make(chan struct{}), states: make(chan State, 1), in: make(chan Message, inBuffer),
		inTracks: make(chan *InTrack, trackBuffer), cands: make(chan webrtc.ICECandidateInit, 64),
		renew: make(chan bool, 64), opened: make(chan struct{}, 2), broken: make(chan error, 8), signals: make(chan wire.Signal, outSignals),
		changes: make(chan webrtc.PeerConnectionState, 16), done: make(chan struct{}),
	}, nil
}

// newAPI configures Pion for one connection. The mux is that of o.TCP, also
// beside an error; nil without one.
func newAPI(o Options, d *dialer, pace *pacer) (*webrtc.API, ice.TCPMux, error) {
	// Pion's log has addresses of people in it. What matters comes back as errors.
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	se := settings(d, quiet)
	mux := listenTCP(&se, o.TCP, quiet)
	if o.Net == nil {
		n, err := stdnet.NewNet()
		if err != nil {
			return nil, mux, err
		}
		o.Net = n
	}
	se.SetNet(roomy{o.Net}) // a burst of packets must fit the socket's buffer
	me, err := media(o.Codecs)
	if err != nil {
		return nil, mux, err
	}
	ir, err := interceptors(pace)
	if err != nil {
		return nil, mux, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(me), webrtc.WithInterceptorRegistry(ir)), mux, nil
}

// settings are those of transport: data channels, encryption and paths.
func settings(d *dialer, quiet logging.LoggerFactory) webrtc.SettingEngine {
	se := webrtc.SettingEngine{LoggerFactory: quiet}
	// Losses must not shrink the window until small messages, keys among them,
	// wait for one another; what may wait for a member is bounded elsewhere.
	se.SetSCTPMinCwnd(sctpMinCwnd)
	// A key that got lost is sent again after a tenth of a second at most, not
	// after Pion's minute.
	se.SetSCTPRTOMax(sctpRTOMax)
	// DTLS authenticates every packet already: a checksum of SCTP's own finds
	// nothing more (RFC 9653).
	se.EnableSCTPZeroChecksum(true)
	// No handshake of SCTP, which Pion would give up too early: see sctpRTOMax.
	se.EnableSctpSnap(true)
	// A handshake that loses packets repeats them sooner than after a second.
	se.SetDTLSRetransmissionInterval(dtlsRetry)
	// What is sent again comes late: SRTP must not take it for a replay.
	se.SetSRTPReplayProtectionWindow(nackSize)
	// Two programs of one machine without a network: on loopback they still
	// reach each other.
	se.SetIncludeLoopbackCandidate(true)
	// Names in candidates are of no use to us and are refused; without this, each
	// *.local of a description would be asked for by multicast.
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// Silence of 3 s is an interruption, at which a guest's keys are let go and
	// another path is looked for; 15 s more, and the path has failed. A sign of life
	// every second, so that two that got lost are no interruption.
	se.SetICETimeouts(3*time.Second, 15*time.Second, time.Second)
	// Relays by TCP and TLS are reached by our own dialer, which knows the pins.
	se.SetICEProxyDialer(d)
	return se
}

// media are the kinds of pictures, in the order of preference.
func media(codecs []Codec) (*webrtc.MediaEngine, error) {
	me := &webrtc.MediaEngine{}
	// The other end may ask for single packets again, and for a whole picture. It
	// says nothing about bandwidth: nobody here would read it.
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	pt := webrtc.PayloadType(96) // the first dynamic one (RFC 3551, section 6)
	for _, c := range codecs {
		lines := []string{""}
		if c.MimeType == MimeTypeVP9 {
			lines = []string{"profile-id=0", "profile-id=1"} // 4:2:0, and full colour
		}
		for _, fmtp := range lines {
			err := me.RegisterCodec(webrtc.RTPCodecParameters{
				RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: c.MimeType, ClockRate: clockRate, SDPFmtpLine: fmtp, RTCPFeedback: feedback},
				PayloadType:        pt,
			}, webrtc.RTPCodecTypeVideo)
			if err != nil {
				return nil, err
			}
			pt++
		}
	}
	return me, nil
}

// interceptors are what packets pass on their way, the one next to the network
// first.
func interceptors(pace *pacer) (*interceptor.Registry, error) {
	ir := &interceptor.Registry{}
	ir.Add(pace) // what is sent again is paced too
	// InTrack asks by itself: Pion's generator would look 100 times a second.
	responder, err := nack.NewResponderInterceptor(nack.ResponderSize(nackSize))
	if err != nil {
		return nil, err
	}
	ir.Add(responder)
	err = webrtc.ConfigureRTCPReportsWithOptions(ir, []report.ReceiverOption{report.ReceiverInterval(reportEvery)}, report.SenderInterval(reportEvery))
	if err != nil {
		return nil, err
	}
	return ir, nil
}

// Connected is closed when the connection is up and its certificate is the
// signed one.
func (p *Peer) Connected() <-chan struct{} { return p.connected }

// States tells of changes, the newest wins; closed when Run returns.
func (p *Peer) States() <-chan State { return p.states }

func (p *Peer) tell(s State) {
	select {
	case <-p.states:
	default:
	}
	p.states <- s
}

// Run negotiates and serves until ctx ends or the connection is lost for good.
func (p *Peer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	err := p.serve(ctx)
	if ctx.Err() != nil {
		p.flush()
	}
	cancel()
	close(p.done)
	if cerr := p.pc.GracefulClose(); err == nil && cerr != nil {
		err = fmt.Errorf("rtc: close: %w", cerr)
	}
	_ = closeTCP(p.tcp, nil)
	p.wg.Wait()
	close(p.states)
	return err
}

// flushTime is how long the last messages may take to arrive.
const flushTime = 500 * time.Millisecond

// flush waits until the other end has acknowledged what was sent reliably:
// closing the connection would discard it.
func (p *Peer) flush() {
	p.mu.Lock()
	dc := p.control
	p.mu.Unlock()
	if !p.isConnected() || p.pc.ConnectionState() != webrtc.PeerConnectionStateConnected {
		return
	}
	empty := make(chan struct{}, 1)
	dc.OnBufferedAmountLow(func() {
		select {
		case empty <- struct{}{}:
		default:
		}
	})
	if dc.BufferedAmount() == 0 {
		return
	}
	select {
	case <-empty:
	case <-time.After(flushTime):
	}
}

// Recv returns the next message once the peer is authenticated; after Run has
// ended those that had arrived, then ErrClosed.
func (p *Peer) Recv(ctx context.Context) (Message, error) {
	select {
	case <-p.connected:
	case <-p.done:
		return Message{}, ErrClosed
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return Message{}, err
	}
	select {
	case m := <-p.in:
		return m, nil
	case <-p.done:
		select {
		case m := <-p.in: // what was said before the end is heard
			return m, nil
		default:
			return Message{}, ErrClosed
		}
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

// Send sends a message on the ordered, reliable channel. It does not wait for
// the other end: what it does not take is kept, up to MaxWaiting. Beyond that,
// and when the other end takes nothing for MaxStall, the connection ends with
// ErrSlow.
func (p *Peer) Send(b []byte) error { return p.send(b, p.queue) }

// SendLossy sends a message on the unordered channel without retransmission. It
// is dropped if too many wait already.
func (p *Peer) SendLossy(b []byte) error { return p.send(b, p.drop) }

func (p *Peer) send(b []byte, channel func([]byte) error) error {
	if len(b) > MaxMessage {
		return ErrTooLarge
	}
	select {
	case <-p.connected:
	default:
		return ErrClosed
	}
	if err := channel(b); err != nil {
		return fmt.Errorf("rtc: send: %w", err)
	}
	return nil
}

// certified reports whether the certificate in use is the signed one.
func (p *Peer) certified() bool {
	p.mu.Lock()
	want, known := p.remote, p.known
	p.mu.Unlock()
	der := p.pc.SCTP().Transport().GetRemoteCertificate()
	return known && len(der) > 0 && sha256.Sum256(der) == want
}
