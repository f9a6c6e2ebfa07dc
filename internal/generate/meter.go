package generate

import (
	"slices"

	"fanfare/internal/platform"
)

// meterStep is after how many characters progress is told again.
const meterStep = 80

// meter counts what an answer has for each platform while it is still being written. It does not judge it: whatever is no JSON
// counts somehow.
type meter struct {
	tell       func(name platform.Name, characters int)
	characters map[platform.Name]int
	told       map[platform.Name]int

	// path are the names of the objects around, and whether a name comes next in the innermost.
	path     []string
	wantName bool
	// name is what was last read of one.
	name             []byte
	inText, isName   bool
	escaped          bool
	unread           int // digits of an escape such as é
	lastOfObjectName string
}

func newMeter(tell func(platform.Name, int)) *meter {
	return &meter{tell: tell, characters: map[platform.Name]int{}, told: map[platform.Name]int{}}
}

// read takes the next piece of the answer.
func (m *meter) read(piece string) {
	for i := range len(piece) {
		m.next(piece[i])
	}
}

func (m *meter) next(c byte) {
	if m.inText {
		m.inside(c)
		return
	}
	switch c {
	case '"':
		m.inText, m.isName, m.name = true, m.wantName, m.name[:0]
	case '{':
		if len(m.path) < 16 {
			m.path = append(m.path, m.lastOfObjectName)
		}
		m.wantName = true
	case '}':
		if len(m.path) > 0 {
			m.path = m.path[:len(m.path)-1]
		}
		m.wantName = false
	case ':':
		m.wantName = false
	case ',':
		m.wantName = true
	}
}

// inside takes a byte of a text.
func (m *meter) inside(c byte) {
	switch {
	case m.unread > 0:
		m.unread--
	case m.escaped:
		m.escaped = false
		if c == 'u' {
			m.unread = 4
		}
		m.count()
	case c == '\\':
		m.escaped = true
	case c == '"':
		m.inText = false
		if m.isName {
			m.lastOfObjectName = string(m.name)
		}
	case m.isName:
		if len(m.name) < 64 {
			m.name = append(m.name, c)
		}
	case c&0xC0 != 0x80: // the first byte of a character
		m.count()
	}
}

// count counts a character of what stands in the platform's object, the second around it.
func (m *meter) count() {
	if m.isName || len(m.path) < 3 {
		return
	}
	name := platform.Name(m.path[2])
	if !slices.Contains(platform.Names, name) {
		return
	}
	m.characters[name]++
	if n := m.characters[name]; n == 1 || n-m.told[name] >= meterStep {
		m.told[name] = n
		m.tell(name, n)
	}
}
