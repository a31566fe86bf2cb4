package session

import (
	"time"

	"golang.org/x/time/rate"
)

// What others may make this device hold and do; docs/protocol.md, section 14,
// has the same numbers. A member who goes beyond them loses what is too much,
// or the connection, and nobody else notices.
const (
	// signalsInRate a second, and signalsInBurst at once, are the signals of one
	// member that are looked at. An honest one has a burst of candidates at each
	// negotiation.
	signalsInRate, signalsInBurst = 30, 256
	// signalsOutRate and signalsOutBurst are what is sent to one member, whatever
	// they cause; callSignalsRate and callSignalsBurst what is sent to all. The
	// service takes 50 a second and 200 at once from one connection: what is left
	// is for answers to strangers and for what the person here does.
	signalsOutRate, signalsOutBurst   = 10, 64
	callSignalsRate, callSignalsBurst = 40, 160

	// switchesRate a second, and switchesBurst at once, is how often one member may
	// begin or end to watch one share: each of it negotiates.
	switchesRate, switchesBurst = 2, 4
	// callWaiting bounds what waits to be sent to all members together, in bytes;
	// one connection has a bound of its own. Who keeps most waiting goes.
	callWaiting = 64 << 20
	// muchWaiting is from when on it is looked at.
	muchWaiting = 1 << 20

	// introductionsRate a second, and introductionsBurst at once, may come from
	// one member; each of them makes a connection.
	introductionsRate, introductionsBurst = 1, maxMembers
	// maxStrangers bounds the devices of which one member who is not the inviter
	// says that they are coming, and that are not connected yet: they have places
	// in the call for connectTimeout.
	maxStrangers = 4

	// answerTime is how long an answer to a knock may take to reach the service.
	answerTime = time.Second
	// deafTime is how long an introduction may take for a member for whom the
	// last one did not get there in answerTime.
	deafTime = 100 * time.Millisecond
	// maxAnswers is how many refusals wait to be sent, one for each device.
	maxAnswers = 64
	// One device is refused refusalBurst times at once, then once every
	// refusalEvery; maxRefused devices are remembered.
	refusalBurst = 3
	refusalEvery = time.Minute
	maxRefused   = 256
	// refusalsRate a second, and refusalsBurst at once, are the refusals of all
	// who come by one link.
	refusalsRate, refusalsBurst = 5, 20
	// maxAdmissions is how many devices are let in at the same time. The knock of
	// one more is dropped; it is sent again after knockAgain.
	maxAdmissions = 8
	// comingsRate a second, and comingsBurst at once, is how often one device
	// may come by a link, to take the place of its own connection.
	comingsRate, comingsBurst = 0.5, 5
)

// outgoing is the limit of the signals to all members.
func outgoing() *rate.Limiter { return rate.NewLimiter(callSignalsRate, callSignalsBurst) }
