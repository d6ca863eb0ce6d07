package fallback

import "github.com/turold/turold/transport"

// reasonOf says what the end of a socket that never answered shows of sockets;
// empty: nothing. A failure of what both pipes need is the network's.
func reasonOf(err *transport.Error, sameHost bool) Reason {
	if err == nil {
		return ""
	}
	switch err.Op {
	case "upgrade":
		return ReasonRefused
	case "proxy":
		if err.Status != 0 {
			return ReasonRefused
		}
		return dialReason(sameHost)
	case "dial", "tls":
		return dialReason(sameHost)
	case "decode", "close":
		return ReasonWrong
	case "cut", "drain":
		return ""
	}
	return ReasonLost
}

// dialReason is the Reason of an address that cannot be reached.
func dialReason(sameHost bool) Reason {
	if sameHost {
		return ""
	}
	return ReasonDial
}
