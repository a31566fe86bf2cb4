package capture

// WithoutSHM makes a stream read through the socket, as from a remote display.
func WithoutSHM(s Stream) { s.(*stream).shared = false }
