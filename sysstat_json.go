package bbb

import (
	"encoding/json"
	"time"
)

// durationText is a duration that is text in JSON, such as "1m0s".
type durationText time.Duration

func (d durationText) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *durationText) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = durationText(parsed)
	return err
}

// plainSample is a Sample without its methods.
type plainSample Sample

// sampleJSON is a Sample in JSON.
type sampleJSON struct {
	Interval durationText `json:"interval"` // in the place of that of plainSample
	plainSample
}

// MarshalJSON writes the interval as Go writes durations, such as "1m0s".
func (s Sample) MarshalJSON() ([]byte, error) {
	return json.Marshal(sampleJSON{durationText(s.Interval), plainSample(s)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sample) UnmarshalJSON(text []byte) error {
	var in sampleJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = in.sample()
	return nil
}

func (j *sampleJSON) sample() Sample {
	s := Sample(j.plainSample)
	s.Interval = time.Duration(j.Interval)
	return s
}

// sysStatJSON is a SysStat in JSON. It cannot be a SysStat without methods, since that
// would still have those of the Sample in it.
type sysStatJSON struct {
	Host       string       `json:"host"`
	System     string       `json:"system"`
	Release    string       `json:"release"`
	Machine    string       `json:"machine"`
	CPUs       int          `json:"cpus"`
	Source     Source       `json:"source"`
	Problem    string       `json:"problem,omitempty"`
	Collected  time.Time    `json:"collected"`
	ClockAhead durationText `json:"clockAhead"`
	sampleJSON
	Live *Sample `json:"live,omitempty"`
}

// MarshalJSON writes durations as Go writes them, such as "1m0s", and Err not at all:
// Problem is its text.
func (r SysStat) MarshalJSON() ([]byte, error) {
	return json.Marshal(sysStatJSON{
		Host: r.Host, System: r.System, Release: r.Release, Machine: r.Machine, CPUs: r.CPUs,
		Source: r.Source, Problem: r.Problem, Collected: r.Collected, ClockAhead: durationText(r.ClockAhead),
		sampleJSON: sampleJSON{durationText(r.Interval), plainSample(r.Sample)}, Live: r.Live,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. Where there is a Problem, Err is an error
// with this text, and of the same class.
func (r *SysStat) UnmarshalJSON(text []byte) error {
	var in sysStatJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*r = SysStat{
		Host: in.Host, System: in.System, Release: in.Release, Machine: in.Machine, CPUs: in.CPUs,
		Source: in.Source, Problem: in.Problem, Collected: in.Collected, ClockAhead: time.Duration(in.ClockAhead),
		Sample: in.sample(), Live: in.Live,
	}
	if r.Problem != "" {
		r.Err = &savedProblem{r.Problem}
	}
	return nil
}
