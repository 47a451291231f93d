package main

import (
	"fmt"
	"slices"
)

// quantity is something that a server holds, and how much of it may come and go by chance: pools are
// filled when there is more to do than before, connections keep pages of SQLite files, and calls that are
// under way have goroutines.
type quantity struct {
	name  string
	slack float64
	of    func(sample) float64
}

var quantities = []quantity{
	{"resident memory, MiB", 32, func(s sample) float64 { return s.resident / (1 << 20) }},
	{"heap after collection, MiB", 8, func(s sample) float64 { return s.heap / (1 << 20) }},
	{"goroutines", 256, func(s sample) float64 { return s.goroutines }},
	{"sockets", 32, func(s sample) float64 { return s.sockets }},
	{"other file handles", 64, func(s sample) float64 { return s.files }},
}

// share of what there is may be added by chance too.
const share = .1

// fewest samples say something.
const fewest = 16

// growth compares the halves of a run.
type growth struct {
	quantity
	first, second float64
}

func (g growth) allowed() float64 { return max(g.slack, share*g.first) }

func (g growth) held() bool { return g.second-g.first <= g.allowed() }

// judge drops the first quarter of the samples, while caches fill and pools open, and compares the two
// halves of the rest by their lowest tenth: peaks and work under way move neither, and what grows all
// the time moves the second by half of what it grew.
func judge(watched []sample) ([]growth, error) {
	if len(watched) < fewest {
		return nil, fmt.Errorf("%d samples are too few, %d at least", len(watched), fewest)
	}
	rest := watched[len(watched)/4:]
	first, second := rest[:len(rest)/2], rest[len(rest)/2:]
	var growths []growth
	for _, q := range quantities {
		growths = append(growths, growth{q, low(first, q.of), low(second, q.of)})
	}
	return growths, nil
}

// low gives what a tenth of the samples is below.
func low(samples []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/10]
}
