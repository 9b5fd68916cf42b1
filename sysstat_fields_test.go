package bbb_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/bbbgroup/bbb"
)

func TestBusyCPU(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cpu  bbb.CPU
		want float64
	}{
		{bbb.CPU{User: 10, System: 5, IOWait: 5, Idle: 80}, 15},
		{bbb.CPU{User: 10, Steal: 30, Idle: 60}, 40}, // what the host takes is not ours
		{bbb.CPU{IOWait: 40, Idle: 60}, 0},
		{bbb.CPU{IOWait: 0.02, Idle: 100}, 0}, // rounded
		{bbb.CPU{User: 100}, 100},
		{bbb.CPU{User: 100, Idle: -1}, 100},
	} {
		assert.InDelta(t, test.want, test.cpu.Busy(), 1e-9, "%+v", test.cpu)
	}
}

func TestUsedPartOfMemory(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		memory *bbb.Memory
		want   float64
	}{
		"nothing known":       {nil, 0},
		"no total":            {&bbb.Memory{Free: 10, Available: 20}, 0},
		"available":           {&bbb.Memory{Total: 100, Free: 10, Available: 40, Buffers: 10, Cached: 30, Used: 90}, 0.6},
		"estimated":           {&bbb.Memory{Total: 100, Free: 10, Buffers: 10, Cached: 30, Slab: 20, Used: 90}, 0.5},
		"all of it":           {&bbb.Memory{Total: 100}, 1},
		"none of it":          {&bbb.Memory{Total: 100, Available: 100}, 0},
		"more than there is":  {&bbb.Memory{Total: 100, Available: 130}, 0},
		"estimated, too much": {&bbb.Memory{Total: 100, Free: 90, Cached: 30}, 0},
	} {
		assert.InDelta(t, test.want, test.memory.UsedPart(), 1e-9, name)
	}
}
