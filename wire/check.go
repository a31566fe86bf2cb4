package wire

// Check asks the sharer to put a checksum into the next coded frame, so that
// the viewer can tell whether their picture is the sharer's. It takes the ordered
// channel.
type Check struct{ Share ShareID }

const typeCheck byte = 0x98

func (Check) message() byte { return typeCheck }
