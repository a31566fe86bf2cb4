package x11

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/jezek/xgb"
)

const (
	cookieName = "MIT-MAGIC-COOKIE-1"
	cookieSize = 16
	familyWild = 0xFFFF // of Xauth.h: the entry is for every address
)

// WithAuthority is the name of a display that is entered with the cookie of a
// file, not with those of $XAUTHORITY. Whatever takes a display's name here
// takes it; other programs get the two parts in DISPLAY and XAUTHORITY.
func WithAuthority(display, file string) string { return display + "," + file }

// SplitAuthority takes apart what WithAuthority made. file is "" for a display
// that is entered as the environment says.
func SplitAuthority(display string) (name, file string) {
	name, file, _ = strings.Cut(display, ",")
	return name, file
}

// WriteAuthority makes a file, for this user alone, with one fresh cookie that
// is good at any display whose server reads the file. It must not exist yet.
func WriteAuthority(file string) error {
	cookie := make([]byte, cookieSize)
	_, _ = rand.Read(cookie) // never fails: crypto/rand ends the program
	// family, address, display number, name, data: lengths and bytes (Xauth.h).
	b := binary.BigEndian.AppendUint16(nil, familyWild)
	for _, field := range []string{"", "", cookieName, string(cookie)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("x11: %w", err)
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// readCookie reads what WriteAuthority wrote.
func readCookie(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("x11: %w", err)
	}
	var fields [4]string
	rest := b[min(2, len(b)):]
	for i := range fields {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("x11: %s is no authority file", file)
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		fields[i], rest = string(rest[2:n]), rest[n:]
	}
	if fields[2] != cookieName || len(fields[3]) != cookieSize {
		return nil, fmt.Errorf("x11: %s has no cookie", file)
	}
	return []byte(fields[3]), nil
}

// dial connects to a display, with its own authority where it has one. xgb
// knows only the authority of the environment by itself.
func dial(display string) (*xgb.Conn, error) {
	name, file := SplitAuthority(display)
	if file == "" {
		return xgb.NewConnDisplay(name)
	}
	cookie, err := readCookie(file)
	if err != nil {
		return nil, err
	}
	host, number, _ := strings.Cut(name, ":")
	number, _, _ = strings.Cut(number, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("x11: %q is no display", name)
	}
	network, address := "unix", "/tmp/.X11-unix/X"+number
	if host != "" {
		const firstPort = 6000 // X11 protocol, appendix B
		network, address = "tcp", net.JoinHostPort(host, strconv.FormatUint(firstPort+n, 10))
	}
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, fmt.Errorf("x11: %w", err)
	}
	x, err := xgb.NewConnNetWithCookieHex(c, hex.EncodeToString(cookie))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return x, nil
}
