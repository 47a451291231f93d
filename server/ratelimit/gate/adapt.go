package gate

import "time"

const (
	windowLength  = 250 * time.Millisecond
	windowAnswers = 50   // fewer prove nothing
	slowShare     = 0.1  // of slow answers is too much
	backOff       = 0.9  // by which the limit shrinks then
	step          = 0.02 // of Most by which it grows otherwise
)

// window is what was seen since the limit was last looked at.
type window struct {
	since          time.Time
	answered, slow int
	most           int // calls inside at once
}

// adapt counts an answer, and at the end of a window sets the limit: additive increase, multiplicative
// decrease. It compares with a fixed target rather than with how fast answers were before, since
// calls differ by nature, and some wait for others. The limit grows only when it is made use of.
func (g *Gate) adapt(now time.Time, took time.Duration) {
	w := &g.window
	w.answered++
	if took > g.options.Target {
		w.slow++
	}
	if w.answered < windowAnswers || now.Sub(w.since) < windowLength {
		return
	}
	most := float64(g.options.Most)
	switch {
	case float64(w.slow) > slowShare*float64(w.answered):
		g.limit = max(g.limit*backOff, float64(g.options.Least))
	case 2*w.most >= int(g.limit):
		g.limit = min(g.limit+max(step*most, 1), most)
	}
	g.window = window{since: now, most: g.inside}
}
