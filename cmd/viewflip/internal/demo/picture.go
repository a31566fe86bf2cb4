package demo

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"strings"

	"github.com/kbinani/screenshot"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/platform/virtual"
)

// PictureCommand is the hidden command that saves a picture of the first monitor of
// $DISPLAY as PNG. The demo runs it on its two displays: the library that takes the
// picture knows no other display than that of its process.
//
// Such a picture shows every window. It is no part of sharing: arch_test.go lets no
// other package have the library.
const PictureCommand = "picture"

// RunPicture is PictureCommand. Its argument is the file.
func RunPicture(_ context.Context, _ command.World, args []string) error {
	if len(args) != 1 {
		return command.ErrUsage
	}
	m := monitors()
	if len(m) == 0 {
		return errors.New("there is no display to take a picture of")
	}
	img, err := m[0].picture()
	if err != nil {
		return err
	}
	return save(args[0], img)
}

// monitor is one monitor of this process's display.
type monitor struct {
	index int
	// bounds is in physical pixels of the whole desktop.
	bounds image.Rectangle
}

// monitors lists them; none without a display.
func monitors() []monitor {
	var out []monitor
	for i := range screenshot.NumActiveDisplays() {
		out = append(out, monitor{index: i, bounds: screenshot.GetDisplayBounds(i)})
	}
	return out
}

// picture shows all that a monitor shows.
func (m monitor) picture() (*image.RGBA, error) {
	img, err := screenshot.CaptureDisplay(m.index)
	if err != nil {
		return nil, fmt.Errorf("monitor %d: %w", m.index, err)
	}
	return img, nil
}

func save(path string, img image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Encode(f, img)
}

// photograph saves what a display shows.
func photograph(ctx context.Context, on *virtual.Display, path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, PictureCommand, path)
	cmd.Env = on.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("no picture of display %s: %w: %s", on.Short(), err, strings.TrimSpace(string(out)))
	}
	return nil
}
