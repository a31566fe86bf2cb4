//go:build deps

package viewflip

import (
	_ "fyne.io/fyne/v2/app"
	_ "fyne.io/fyne/v2/test"
	_ "fyne.io/fyne/v2/widget"
	_ "github.com/coder/websocket"
	_ "github.com/go-gl/glfw/v3.4/glfw"
	_ "github.com/go-vgo/robotgo"
	_ "github.com/jezek/xgb/composite"
	_ "github.com/kbinani/screenshot"
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/pion/interceptor"
	_ "github.com/pion/logging"
	_ "github.com/pion/rtcp"
	_ "github.com/pion/rtp"
	_ "github.com/pion/sdp/v3"
	_ "github.com/pion/transport/v5/vnet"
	_ "github.com/pion/webrtc/v4"
	_ "github.com/zalando/go-keyring"
	_ "golang.org/x/crypto/argon2"
	_ "golang.org/x/crypto/chacha20poly1305"
	_ "golang.org/x/image/draw"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/term"
	_ "golang.org/x/time/rate"
)
