package rtc

import (
	"net"

	"github.com/pion/transport/v5"
)

// socketBuffer is how many bytes of packets the system is asked to keep for us
// in each direction; it may allow less (Linux: net.core.rmem_max). The usual
// 200 kB hold 90 packets: less than one large picture.
const socketBuffer = 2 << 20

// roomy is a network whose sockets have large buffers.
type roomy struct{ transport.Net }

// ListenUDP implements [transport.Net].
func (n roomy) ListenUDP(network string, a *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	// Less room costs retransmissions, nothing else.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	return c, nil
}
