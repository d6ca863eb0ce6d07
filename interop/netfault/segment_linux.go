package netfault

import "encoding/binary"

// The flags of TCP that matter here.
const (
	fin = 1 << iota
	syn
	rst
	_
	ack
)

const (
	ipHeader  = 20
	tcpHeader = 20
	tcp       = 6
)

// A segment is what a TCP packet says of its connection.
type segment struct {
	from, to         [4]byte
	fromPort, toPort uint16
	flags            byte
	seq, ack         uint32
	end              uint32 // the seq of what follows
}

// parse reads an IPv4 packet; false: it is something else.
func parse(p []byte) (s segment, ok bool) {
	if len(p) < ipHeader || p[0]>>4 != 4 || p[9] != tcp {
		return s, false
	}
	t := p[min(int(p[0]&15)*4, len(p)):]
	if len(t) < tcpHeader {
		return s, false
	}
	s.from, s.to = [4]byte(p[12:16]), [4]byte(p[16:20])
	s.fromPort, s.toPort = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	s.seq, s.ack, s.flags = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:]), t[13]
	s.end = s.seq + uint32(len(t)-int(t[12]>>4)*4)
	if s.has(syn) {
		s.end++
	}
	if s.has(fin) {
		s.end++
	}
	return s, true
}

func (s segment) has(flag byte) bool { return s.flags&flag != 0 }

// opens reports whether it is the first of a connection.
func (s segment) opens() bool { return s.has(syn) && !s.has(ack) }

// refusal is the reset that its sender takes, and no other: an exact one.
func (s segment) refusal() []byte {
	p := make([]byte, ipHeader+tcpHeader)
	p[0], p[8], p[9] = 4<<4|ipHeader/4, 64, tcp
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], s.to[:])
	copy(p[16:], s.from[:])
	binary.BigEndian.PutUint16(p[10:], checksum(0, p[:ipHeader]))
	t := p[ipHeader:]
	binary.BigEndian.PutUint16(t, s.toPort)
	binary.BigEndian.PutUint16(t[2:], s.fromPort)
	binary.BigEndian.PutUint32(t[4:], s.ack)
	binary.BigEndian.PutUint32(t[8:], s.end)
	t[12], t[13] = tcpHeader/4<<4, rst|ack
	binary.BigEndian.PutUint16(t[16:], checksum(tcp+tcpHeader, p[12:])) // the pseudo-header is both addresses, tcp and the length
	return p
}

// checksum is the Internet's (RFC 1071) over b, of an even length.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
