package rtc_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"
)

const (
	besideFrames = 300
	besideEvery  = 33 * time.Millisecond
	smallFrame   = 9000
	largeFrame   = 90_000 // each twentieth
	// besideTail is how long the last ones may take.
	besideTail = 10 * time.Second
)

// arrivals are when pictures could be shown. A picture that was lost for good
// could be when a later one that stands alone came.
type arrivals struct {
	mu    sync.Mutex
	sent  [besideFrames]time.Time
	shown [besideFrames]time.Time
	next  int
	lost  int
	done  chan struct{}
}

func (a *arrivals) send(i int) {
	a.mu.Lock()
	a.sent[i] = time.Now()
	a.mu.Unlock()
}

// show tells that i, and with it all before, can be shown.
func (a *arrivals) show(i int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for ; a.next <= i; a.next++ {
		a.shown[a.next] = now
	}
	if a.next == besideFrames {
		close(a.done)
		a.next++
	}
}

// miss tells that pictures are lost for good.
func (a *arrivals) miss() {
	a.mu.Lock()
	a.lost++
	a.mu.Unlock()
}

// delays beyond the one-way delay, sorted; those never shown are left out.
func (a *arrivals) delays(oneWay time.Duration) (ds []time.Duration, missing, lost int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, at := range a.shown {
		if at.IsZero() {
			missing++
			continue
		}
		ds = append(ds, at.Sub(a.sent[i])-oneWay)
	}
	slices.Sort(ds)
	return ds, missing, a.lost
}

// BenchmarkBeside sends the same pictures over a track and over a data channel
// that is tuned (congestion window of 64 KiB at least, retransmission after
// 100 ms at most), on two virtual networks with the same loss, at the same time.
func BenchmarkBeside(b *testing.B) {
	fmt.Printf("\nload before %s\n| loss | round trip | track p50 / p95 / p99 ms | data channel p50 / p95 / p99 ms | p99 track : channel | times lost for good, track | never shown, track, channel |\n|---|---|---|---|---|---|---|\n", machineLoad())
	for _, rtt := range []time.Duration{30 * time.Millisecond, 100 * time.Millisecond} {
		for _, loss := range []float64{0, 0.01, 0.02, 0.05} {
			b.Run(fmt.Sprintf("%v%%/%v", 100*loss, rtt), func(b *testing.B) {
				b.ReportMetric(0, "ns/op")
				sendTrack, track := besideTrack(b, rtt, loss)
				sendChannel, channel := besideChannel(b, rtt, loss)
				both := []*arrivals{track, channel}
				var sending sync.WaitGroup
				for k, send := range []func(i, size int) error{sendTrack, sendChannel} {
					sending.Go(func() {
						tick := time.NewTicker(besideEvery)
						defer tick.Stop()
						for i := range besideFrames {
							<-tick.C
							size := smallFrame
							if i%20 == 19 {
								size = largeFrame
							}
							both[k].send(i)
							if err := send(i, size); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				sending.Wait()
				limit := time.After(besideTail)
				for _, a := range both {
					select {
					case <-a.done:
					case <-limit:
						limit = time.After(0)
					}
				}
				ds, noTrack, lost := track.delays(rtt / 2)
				dc, noChannel, _ := channel.delays(rtt / 2)
				fmt.Printf("| %v %% | %v | %s | %s | %.1f | %d | %d, %d |\n", 100*loss, rtt, spread(ds), spread(dc),
					float64(percentile(ds, 99))/float64(percentile(dc, 99)), lost, noTrack, noChannel)
				b.ReportMetric(float64(percentile(ds, 99))/float64(percentile(dc, 99)), "p99-ratio")
			})
		}
	}
	fmt.Printf("load after %s\n", machineLoad())
}

func machineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	return ds[min(len(ds)*p/100, len(ds)-1)]
}

func spread(ds []time.Duration) string {
	ms := func(p int) float64 { return float64(percentile(ds, p)) / 1e6 }
	return fmt.Sprintf("%.1f / %.1f / %.1f", ms(50), ms(95), ms(99))
}

// lossy drops packets of both directions.
func (n *network) lossy(loss float64) {
	rng := rand.New(rand.NewPCG(1, uint64(1000*loss)))
	n.losing(func(vnet.Chunk) bool { return rng.Float64() < loss })
}

// besideTrack is the way of the product.
func besideTrack(b *testing.B, rtt time.Duration, loss float64) (send func(i, size int) error, a *arrivals) {
	b.Helper()
	n := newNetwork(b, rtt)
	out, in := onNetwork(b, n).track(b)
	a = &arrivals{done: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	b.Cleanup(func() { stop(); reading.Wait() })
	reading.Go(func() {
		for whole := true; ; {
			f, err := in.Read(ctx)
			if err != nil {
				return
			}
			i, alone := int(binary.BigEndian.Uint32(f.Data)), f.Data[4] == 1
			if f.Lost {
				a.miss()
			}
			if whole = alone || whole && !f.Lost; whole {
				a.show(i)
			} else {
				in.RequestRefresh()
			}
		}
	})
	n.lossy(loss)
	return func(i, size int) error {
		f := make([]byte, size)
		binary.BigEndian.PutUint32(f, uint32(i))
		select {
		case <-out.Refresh():
			f[4] = 1
		default:
		}
		_, err := out.Write(ctx, f)
		return err
	}, a
}

// besideChannel is an ordered, reliable data channel of bare Pion.
func besideChannel(b *testing.B, rtt time.Duration, loss float64) (send func(i, size int) error, a *arrivals) {
	b.Helper()
	const piece, minWindow, maxRTO = 16 << 10, 64 << 10, 100 * time.Millisecond
	n := newNetwork(b, rtt)
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	end := func(net *vnet.Net) *webrtc.PeerConnection {
		s := webrtc.SettingEngine{LoggerFactory: quiet}
		s.SetNet(net)
		s.EnableSCTPZeroChecksum(true)
		s.SetSCTPMinCwnd(minWindow)
		s.SetSCTPRTOMax(maxRTO)
		pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = pc.Close() })
		return pc
	}
	x, y := end(n.a), end(n.b)
	dc, err := x.CreateDataChannel("tiles", nil)
	if err != nil {
		b.Fatal(err)
	}
	open := make(chan struct{})
	dc.OnOpen(func() { close(open) })
	a = &arrivals{done: make(chan struct{})}
	y.OnDataChannel(func(d *webrtc.DataChannel) {
		left := 0
		d.OnMessage(func(m webrtc.DataChannelMessage) {
			// Each piece says which picture it belongs to, and the length of that.
			if left == 0 {
				left = int(binary.BigEndian.Uint32(m.Data[4:]))
			}
			if left -= len(m.Data); left <= 0 {
				left = 0
				a.show(int(binary.BigEndian.Uint32(m.Data)))
			}
		})
	})
	gather(b, x, y)
	select {
	case <-open:
	case <-time.After(patience):
		b.Fatal("no data channel")
	}
	n.lossy(loss)
	return func(i, size int) error {
		f := make([]byte, size)
		for p := range slices.Chunk(f, piece) {
			if len(p) >= 8 {
				binary.BigEndian.PutUint32(p, uint32(i))
				binary.BigEndian.PutUint32(p[4:], uint32(size))
			}
			if err := dc.Send(p); err != nil {
				return err
			}
		}
		return nil
	}, a
}

// gather connects x, which offers, and y, whose candidates are all known before.
func gather(b *testing.B, x, y *webrtc.PeerConnection) {
	b.Helper()
	offer, err := x.CreateOffer(nil)
	if err != nil {
		b.Fatal(err)
	}
	whole := webrtc.GatheringCompletePromise(x)
	if err := x.SetLocalDescription(offer); err != nil {
		b.Fatal(err)
	}
	<-whole
	if err := y.SetRemoteDescription(*x.LocalDescription()); err != nil {
		b.Fatal(err)
	}
	answer, err := y.CreateAnswer(nil)
	if err != nil {
		b.Fatal(err)
	}
	whole = webrtc.GatheringCompletePromise(y)
	if err := y.SetLocalDescription(answer); err != nil {
		b.Fatal(err)
	}
	<-whole
	if err := x.SetRemoteDescription(*y.LocalDescription()); err != nil {
		b.Fatal(err)
	}
}
