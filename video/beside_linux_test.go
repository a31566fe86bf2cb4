package video_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/video/vpx"
)

const (
	// warmUp pictures are coded before it counts: key frames, and the start of
	// a video region.
	warmUp = 15
	// counted pictures follow.
	counted = 60
	// every is how often quality is measured, in pictures.
	every = 6
	// quantizer for lossy codecs, that of vpx for text.
	quantizer = 20
)

// motif makes the same pictures for every codec.
type motif struct {
	name string
	make func(t testing.TB, size image.Point) (s *screen, step func() []image.Rectangle)
}

func motifs() []motif {
	of := func(step func(*screen) []image.Rectangle) func(testing.TB, image.Point) (*screen, func() []image.Rectangle) {
		return func(t testing.TB, size image.Point) (*screen, func() []image.Rectangle) {
			t.Helper()
			s := newScreen(t, size.X, size.Y)
			return s, func() []image.Rectangle { return step(s) }
		}
	}
	return []motif{
		{"typing", of((*screen).typing)},
		{"scrolling code", of((*screen).scroll)},
		{"scrolling a page", page},
		{"switching content", of((*screen).change)},
		{"video 720x400", player},
	}
}

// page is text with photographs between, scrolled by 30 pixels a picture.
func page(t testing.TB, size image.Point) (*screen, func() []image.Rectangle) {
	t.Helper()
	const by, apart = 30, 600
	s, tall := newScreen(t, size.X, size.Y), newScreen(t, size.X, size.Y+by*(warmUp+counted+1))
	for y := 200; y < tall.H; y += apart {
		tall.film(image.Rect(margin, y, margin+480, y+270), y)
	}
	y := 0
	return s, func() []image.Rectangle {
		y += by
		copy(s.Pix, tall.Pix[y*tall.Stride():])
		return []image.Rectangle{s.Bounds()}
	}
}

// player is a video with grain beside text.
func player(t testing.TB, size image.Point) (*screen, func() []image.Rectangle) {
	t.Helper()
	s, n := newScreen(t, size.X, size.Y), 0
	return s, func() []image.Rectangle {
		n++
		return s.film(image.Rect(100, 200, 820, 600), n)
	}
}

// figures are what a codec makes of a motif.
type figures struct {
	mean, p50, p95 time.Duration // of encoding, processor time; no quantiles where only the sum is known
	bytes          int           // per picture
	quality        float64       // dB, the mean of what was measured
}

func (f figures) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
	spread, quality := ms(f.p50)+" / "+ms(f.p95), "exact"
	if f.p95 == 0 {
		spread = ""
	}
	if !math.IsInf(f.quality, 1) {
		quality = fmt.Sprintf("%.1f", f.quality)
	}
	return fmt.Sprintf("%s | %s | %.2f | %s |", ms(f.mean), spread, float64(f.bytes)/1000, quality)
}

// BenchmarkBeside codes the same pictures with every codec, and prints a table.
// AV1 is libaom's own program; its time includes reading the pictures from a pipe.
func BenchmarkBeside(b *testing.B) {
	ratio := func(a, b float64) string { return fmt.Sprintf("%.1f", a/b) }
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		fmt.Printf("\n%dx%d, load before %s\n", size.X, size.Y, machineLoad(b))
		fmt.Println("| scene | codec | CPU mean ms | p50 / p95 ms | kB a picture | PSNR dB | time : tile | bytes : tile |\n|---|---|---|---|---|---|---|---|")
		for _, m := range motifs() {
			b.Run(fmt.Sprintf("%s/%dx%d", strings.ReplaceAll(m.name, " ", "-"), size.X, size.Y), func(b *testing.B) {
				base := encodeTiles(b, m, size, nil)
				row := func(name string, f figures) {
					fmt.Printf("| %s | %s | %v %s | %s |\n", m.name, name, f, ratio(float64(f.mean), float64(base.mean)), ratio(float64(f.bytes), float64(base.bytes)))
					b.ReportMetric(float64(f.mean)/float64(base.mean), strings.ReplaceAll(name, " ", "-")+"-time-ratio")
				}
				b.ReportMetric(0, "ns/op")
				row("tile", base)
				if d, err := vpx.NewDecoder(); err != nil {
					b.Skip(err)
				} else {
					d.Close()
				}
				row("tile with video", encodeTiles(b, m, size, region))
				row("VP9 4:2:0", encodeVP9(b, m, size, false))
				row("VP9 4:4:4", encodeVP9(b, m, size, true))
				for _, p := range []string{"aomenc", "aomdec"} {
					if _, err := exec.LookPath(p); err != nil {
						b.Skipf("no AV1: %s is missing: scripts/deps.sh bench installs it", p)
					}
				}
				row("AV1 4:4:4", encodeAV1(b, m, size))
			})
		}
	}
}

// machineLoad is how many processes wanted to run in the last minute.
func machineLoad(b *testing.B) string {
	b.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

func encodeTiles(b *testing.B, m motif, size image.Point, r func(image.Rectangle, int) (tile.RegionEncoder, error)) figures {
	b.Helper()
	c := &clock{time.Now()}
	e, err := tile.NewEncoder(tile.Options{Region: r, Now: c.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	var inner tile.RegionDecoder
	if r != nil {
		if inner, err = vpx.NewRegionDecoder(); err != nil {
			b.Fatal(err)
		}
	}
	d, err := tile.NewDecoder(inner)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	return encode(b, m, size, e, d, func() { c.now = c.now.Add(33 * time.Millisecond) })
}

func encodeVP9(b *testing.B, m motif, size image.Point, full bool) figures {
	b.Helper()
	e, err := vpx.NewEncoder(vpx.Options{Text: true, Quality: quantizer, Profile444: full})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	d, err := vpx.NewDecoder()
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	return encode(b, m, size, e, d, func() {})
}

// encode times e, picture by picture.
func encode(b *testing.B, m motif, size image.Point, e encoder, d decoder, tick func()) (f figures) {
	b.Helper()
	s, step := m.make(b, size)
	var times []time.Duration
	var q quality
	var coded []byte
	for i := range warmUp + counted {
		damage := step()
		tick()
		began := used(b)
		out, ok, err := e.Encode(coded[:0], s.Frame, damage, i == 0)
		took := used(b) - began
		if err != nil {
			b.Fatal(err)
		}
		coded = out
		if ok {
			if _, err := d.Decode(coded); err != nil {
				b.Fatal(err)
			}
		}
		if i < warmUp {
			continue
		}
		times = append(times, took)
		f.mean += took / counted
		f.bytes += len(coded)
		if i%every == 0 {
			q.add(psnr(d.Picture(), s.Frame))
		}
	}
	slices.Sort(times)
	f.p50, f.p95 = times[counted/2], times[counted*95/100]
	f.bytes /= counted
	f.quality = q.mean()
	return f
}

// used is the processor time of this process so far: neighbours on the machine
// hardly change it.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quality is a mean of decibels.
type quality struct {
	sum float64
	n   int
}

func (q *quality) add(db float64) { q.sum, q.n = q.sum+db, q.n+1 }
func (q *quality) mean() float64  { return q.sum / float64(q.n) }

// encodeAV1 runs libaom's programs: real time, screen tools, full colour.
func encodeAV1(b *testing.B, m motif, size image.Point) (f figures) {
	b.Helper()
	coded := filepath.Join(b.TempDir(), "av1.ivf")
	start := aomenc(b, m, size, coded, warmUp)
	f.mean = (aomenc(b, m, size, coded, warmUp+counted) - start) / counted
	data, err := os.ReadFile(coded)
	if err != nil {
		b.Fatal(err)
	}
	const fileHeader, frameHeader = 32, 12 // IVF
	n := 0
	for rest := data[fileHeader:]; len(rest) >= frameHeader; n++ {
		l := int(binary.LittleEndian.Uint32(rest))
		if n >= warmUp {
			f.bytes += l / counted
		}
		rest = rest[frameHeader+l:]
	}
	if n != warmUp+counted {
		b.Fatalf("AV1: %d pictures", n)
	}
	cmd := exec.Command("aomdec", "--rawvideo", "-o", "-", coded)
	raw, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s, step := m.make(b, size)
	yuv, pic := fullColour(size), video.NewFrame(size.X, size.Y)
	var q quality
	for i := range warmUp + counted {
		step()
		for _, p := range [][]byte{yuv.Y, yuv.Cb, yuv.Cr} {
			if _, err := io.ReadFull(raw, p); err != nil {
				b.Fatal("aomdec: ", err)
			}
		}
		if i >= warmUp && i%every == 0 {
			video.FromYUV(pic, yuv, video.YUV{}, pic.Bounds())
			q.add(psnr(pic, s.Frame))
		}
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	f.quality = q.mean()
	return f
}

// aomenc codes the first n pictures and returns the processor time that it took.
func aomenc(b *testing.B, m motif, size image.Point, to string, n int) time.Duration {
	b.Helper()
	cmd := exec.Command("aomenc", "--rt", "--cpu-used=10", "--lag-in-frames=0", "--passes=1", "--threads=1", "--end-usage=q",
		fmt.Sprint("--cq-level=", quantizer), fmt.Sprint("--min-q=", quantizer-4), fmt.Sprint("--max-q=", quantizer+4), "--tune-content=screen", "--kf-max-dist=9999", "--profile=1", "--i444",
		"--ivf", "-o", to, "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s, step := m.make(b, size)
	yuv := fullColour(size)
	_, _ = fmt.Fprintf(in, "YUV4MPEG2 W%d H%d F30:1 Ip C444\n", size.X, size.Y)
	for range n {
		step()
		video.ToYUV(yuv, s.Frame, s.Bounds())
		_, _ = io.WriteString(in, "FRAME\n")
		for _, p := range [][]byte{yuv.Y, yuv.Cb, yuv.Cr} {
			_, _ = in.Write(p)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatalf("aomenc: %v\n%s", err, said.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func fullColour(size image.Point) *image.YCbCr {
	return image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio444)
}
