package inputtest

import "viewflip.app/wire"

// Gen is the geometry generation that the events made here quote.
const Gen = 3

// Rights are those that every event here is done with.
const Rights = wire.RightSee | wire.RightPoint | wire.RightControl
