//go:build cgo && linux

package ui

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"syscall"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// sceneEnv makes the test binary a real program with a fake call: Run needs
// the main goroutine and a process of its own.
const sceneEnv = "VIEWFLIP_UI_SCENE"

func TestMain(m *testing.M) {
	if s := os.Getenv(sceneEnv); s != "" {
		if err := runScene(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// captured makes thumbnails as cmd does.
type captured struct {
	s     capture.Stream
	scale glass.Scaler
}

func (c *captured) Next(ctx context.Context) (*image.RGBA, error) {
	f, err := c.s.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	fit := glass.FitIn(image.Rect(0, 0, 320, 200), f.W, f.H)
	w, h := min(fit.Rect.Dx(), f.W), min(fit.Rect.Dy(), f.H)
	small := video.NewFrame(w, h)
	c.scale.Resize(f.W, f.H, w, h)
	c.scale.Draw(small.Pix, f, small.Bounds())
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	toRGBA(out.Pix, small, small.Bounds())
	return out, nil
}

func (c *captured) Close() { _ = c.s.Close() }

func member(n byte, name string, st session.PeerState) session.Member {
	return session.Member{ID: session.MemberID{n}, Name: name, Link: st}
}

// runScene shows one state of the program until it is ended.
func runScene(name string) error {
	ctx := context.Background()
	desk, err := platform.Open("", nil)
	if err != nil {
		return err
	}
	call := newFakeCall()
	my := "Ada"
	o := Options{
		Desktop: desk,
		NewCall: func(context.Context, *wire.Link) (Call, error) { return call, nil },
		Thumbnail: func(ctx context.Context, id platform.WindowID) (Thumbnails, error) {
			s, err := capture.Open(ctx, desk, id, capture.Options{MinInterval: time.Second, Alone: true})
			return &captured{s: s}, err
		},
		Name: func() string { return my }, SetName: func(s string) { my = s },
		Notice: "Your keys are kept in this desktop's keyring.",
	}
	lines := func(v *fakeView, w, h int, animate bool) {
		f := textPicture(w, h)
		v.draw(f)
		for i := 0; animate; i++ {
			time.Sleep(33 * time.Millisecond)
			r := image.Rect(20, h-60, 20+8*(i%((w-60)/8)+1), h-40)
			v.mu.Lock()
			fill(f, image.Rect(20, h-60, w-20, h-40), color.NRGBA{40, 44, 52, 255})
			fill(f, r, color.NRGBA{97, 175, 239, 255})
			v.mu.Unlock()
			v.draw(f, image.Rect(20, h-60, w-20, h-40))
		}
	}
	remote := func(rights wire.Rights, w, h int) session.RemoteShare {
		return session.RemoteShare{Member: session.MemberID{9}, MemberName: "Ben", Share: 7, Title: "notes.md — Editor", App: "Editor", W: w, H: h, Gen: 1, Rights: rights}
	}
	everything := wire.RightSee | wire.RightPoint | wire.RightControl
	join := func(r session.RemoteShare, animate bool) {
		o.ViewerOnly, o.Link = true, fakeLink(1).String()
		call.st.Members = []session.Member{member(9, "Ben", session.Connected)}
		call.st.Remote = []session.RemoteShare{r}
		go func() {
			for call.view(r.Member, r.Share) == nil {
				time.Sleep(10 * time.Millisecond)
			}
			lines(call.view(r.Member, r.Share), r.W, r.H, animate)
		}()
	}
	switch name {
	case "home":
	case "people", "signup", "account", "compare", "calling":
		peopleScene(name, &o, call)
	case "join":
		o.Link = "viewflip://nonsense"
	case "call", "callbusy":
		o.Link = fakeLink(1).String()
		go func() {
			time.Sleep(1500 * time.Millisecond)
			wins, _ := desk.Windows(ctx)
			call.set(func(st *session.State) {
				ben, cem := member(9, "Ben Okafor", session.Connected), member(8, "Cem", session.Interrupted)
				cem.Standing = session.Introduced
				st.Members = []session.Member{ben, cem}
				for i, w := range wins {
					if i >= 2 {
						break
					}
					r, ends := wire.RightsQuiet, session.Ends(nil)
					if i == 1 {
						r = everything | wire.RightPaste
						ends = session.Ends{wire.RightControl: {Term: wire.Timed, At: time.Now().Add(wire.TimedFor)}, wire.RightPaste: {Term: wire.Once}}
					}
					st.Shares = append(st.Shares, session.Share{
						ID: wire.ShareID(i + 1), Window: w.ID, Title: w.Title, App: w.App, Hidden: i == 1, Grant: r,
						Viewers: []session.Viewer{{Member: ben.ID, Name: ben.Name, Rights: r, Ends: ends, Watching: true}},
					})
				}
			})
			time.Sleep(time.Second)
			call.set(func(st *session.State) {
				st.Asks = []session.Ask{{Member: session.MemberID{9}, Name: "Ben Okafor", Share: 1, Title: st.Shares[0].Title, Rights: everything, At: time.Now()}}
				st.Masked = []session.MaskedDialog{{Share: 1, Surface: 1, Title: st.Shares[0].Title, Viewers: []string{"Ben Okafor"}, At: time.Now()}}
			})
			if name == "callbusy" {
				time.Sleep(500 * time.Millisecond)
				r := remote(wire.RightSee, 640, 400)
				r.MemberName = "Ben Okafor"
				call.set(func(st *session.State) { st.Remote = []session.RemoteShare{r} })
				for call.view(r.Member, r.Share) == nil {
					time.Sleep(10 * time.Millisecond)
				}
				lines(call.view(r.Member, r.Share), r.W, r.H, false)
			}
		}()
	case "viewer":
		r := remote(everything, 900, 600)
		r.Ends = session.Ends{wire.RightControl: {Term: wire.Timed, At: time.Now().Add(wire.TimedFor)}}
		join(r, true)
	case "meter":
		r := remote(everything, 900, 600)
		join(r, true)
		go func() {
			for call.view(r.Member, r.Share) == nil {
				time.Sleep(10 * time.Millisecond)
			}
			v := call.view(r.Member, r.Share)
			v.mu.Lock()
			v.latency = someLatency()
			v.mu.Unlock()
		}()
	case "still":
		join(remote(everything, 900, 600), false)
	case "refused":
		join(remote(everything, 900, 600), false)
		go func() {
			for call.view(session.MemberID{9}, 7) == nil {
				time.Sleep(10 * time.Millisecond)
			}
			v := call.view(session.MemberID{9}, 7)
			for ; ; time.Sleep(time.Second) {
				v.mu.Lock()
				v.refusal, v.at = wire.Covered, time.Now()
				v.mu.Unlock()
				call.set(func(*session.State) {})
			}
		}()
	case "small":
		join(remote(wire.RightSee, 200, 120), false)
	case "large":
		join(remote(wire.RightSee, 2560, 1440), false)
	case "hidden":
		join(remote(everything, 900, 600), false)
		go func() {
			time.Sleep(2500 * time.Millisecond)
			call.set(func(st *session.State) { st.Remote[0].Hidden = true })
		}()
	case "ended":
		join(remote(everything, 900, 600), false)
		go func() {
			time.Sleep(2500 * time.Millisecond)
			call.set(func(st *session.State) { st.Remote[0].Ended = wire.CloseStopped })
		}()
	case "idle":
		o.Link = fakeLink(1).String()
		call.st.Members = []session.Member{member(9, "Ben", session.Connected)}
		call.st.Remote = []session.RemoteShare{remote(everything, 900, 600)}
		go func() {
			for call.view(session.MemberID{9}, 7) == nil {
				time.Sleep(10 * time.Millisecond)
			}
			lines(call.view(session.MemberID{9}, 7), 900, 600, false)
		}()
	}
	if os.Getenv("VIEWFLIP_UI_INPUT") != "" {
		go printInput(call)
	}
	if os.Getenv("VIEWFLIP_UI_CPU") != "" {
		go printCPU()
	}
	return Run(ctx, o)
}

func printInput(call *fakeCall) {
	for n := 0; ; time.Sleep(5 * time.Millisecond) {
		v := call.view(session.MemberID{9}, 7)
		if v == nil {
			continue
		}
		in := v.inputs()
		for ; n < len(in); n++ {
			fmt.Printf("%s x=%d y=%d button=%d dx=%d dy=%d key=%s repeat=%v\n", in[n].Kind,
				wire.Pixel(in[n].X, 900), wire.Pixel(in[n].Y, 600), in[n].Button, in[n].DX, in[n].DY, in[n].Key.DOM(), in[n].Repeat)
		}
	}
}

func printCPU() {
	used := func() time.Duration {
		var ru syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	time.Sleep(6 * time.Second)
	for {
		before, at := used(), time.Now()
		time.Sleep(10 * time.Second)
		fmt.Printf("cpu %.2f%%\n", 100*float64(used()-before)/float64(time.Since(at)))
	}
}

func fill(f *video.Frame, r image.Rectangle, c color.NRGBA) {
	r = r.Intersect(f.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			o := y*f.Stride() + 4*x
			f.Pix[o], f.Pix[o+1], f.Pix[o+2], f.Pix[o+3] = c.B, c.G, c.R, 255
		}
	}
}

// textPicture looks like an editor.
func textPicture(w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	f.Gen = 1
	img := image.NewRGBA(f.Bounds())
	draw.Draw(img, img.Bounds(), image.NewUniform(color.NRGBA{40, 44, 52, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, 0, 150, h), image.NewUniform(color.NRGBA{33, 37, 43, 255}), image.Point{}, draw.Src)
	ft, err := opentype.Parse(theme.DefaultTextMonospaceFont().Content())
	if err == nil {
		face, err := opentype.NewFace(ft, &opentype.FaceOptions{Size: 13, DPI: 72, Hinting: font.HintingFull})
		if err == nil {
			colors := []color.NRGBA{{171, 178, 191, 255}, {152, 195, 121, 255}, {198, 120, 221, 255}, {229, 192, 123, 255}}
			text := []string{
				"# Release notes", "", "The first call works end to end:", "  - share any window, and only that window",
				"  - point into it, ask for control, take it back", "  - lossless text at every size", "",
				"func (s *share) run(ctx context.Context) {", "    for frame := range s.stream.Frames(ctx) {", "        s.publish(frame)", "    }", "}",
			}
			for i := 0; 40+i*20 < h-70; i++ {
				d := font.Drawer{Dst: img, Src: image.NewUniform(colors[i%len(colors)]), Face: face, Dot: fixed.P(170, 30+i*20)}
				d.DrawString(text[i%len(text)])
				d.Src, d.Dot = image.NewUniform(color.NRGBA{110, 118, 130, 255}), fixed.P(16, 30+i*20)
				if i < 9 {
					d.DrawString([]string{"call.go", "doc.go", "flow.go", "join.go", "member.go", "outlet.go", "ports.go", "share.go", "view.go"}[i])
				}
			}
		}
	}
	for i := 0; i < len(img.Pix); i += 4 {
		f.Pix[i], f.Pix[i+1], f.Pix[i+2], f.Pix[i+3] = img.Pix[i+2], img.Pix[i+1], img.Pix[i], 255
	}
	return f
}

var _ fyne.Theme = look{}
