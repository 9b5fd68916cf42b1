package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/bbbgroup/bbb"
)

// groups places meetings by real groups, one for each replica.
type groups struct {
	fleet   *fleet
	groups  []*bbb.Group
	servers [][]*bbb.Server // by replica
	next    int             // the meeting that is being created
}

func newGroups(c Config, f *fleet, opts []bbb.GroupOption) (*groups, error) {
	p := &groups{fleet: f}
	given := []bbb.GroupOption{
		bbb.WithClock(f.clock), bbb.WithTransport(f), bbb.WithOrigin("", ""),
		bbb.WithMeetingIDFunc(func() string { return meetingID(p.next) }),
	}
	if c.Shared {
		given = append(given, bbb.WithCache(bbb.NewMemoryCache()))
	}
	for range c.Replicas {
		g, err := bbb.NewGroup("simulation", append(given, opts...)...)
		if err != nil {
			return nil, err
		}
		p.groups = append(p.groups, g)
		servers := make([]*bbb.Server, c.Servers)
		for i := range servers {
			name := fmt.Sprintf("bbb%d", i)
			servers[i], err = g.New(name, "https://"+name+".example.org", "simulated-secret", bbb.WithWeight(f.weights[i]))
			if err != nil {
				return nil, err
			}
		}
		p.servers = append(p.servers, servers)
	}
	return p, nil
}

func (p *groups) poll(ctx context.Context, replica, server int) error {
	return p.servers[replica][server].Refresh(ctx)
}

// create lets the group make up the ID, as it does for callers who have none, so
// that it does not look for the meeting first.
func (p *groups) create(ctx context.Context, replica, meeting int) error {
	p.next = meeting
	m, err := p.groups[replica].CreateMeeting(ctx, bbb.CreateParams{Name: "Lesson"})
	if err == nil && m.ID != meetingID(meeting) {
		return fmt.Errorf("simulate: created %s instead of %s", m.ID, meetingID(meeting))
	}
	return err
}

func (p *groups) join(ctx context.Context, replica, meeting int) error {
	_, err := p.servers[replica][p.fleet.serverOf(meeting)].JoinURL(ctx, bbb.JoinParams{
		MeetingID: meetingID(meeting), FullName: "Pupil", Role: bbb.RoleViewer,
	})
	return err
}

func (p *groups) close(ctx context.Context) error {
	var problems []error
	for _, g := range p.groups {
		problems = append(problems, g.Close(ctx))
	}
	return errors.Join(problems...)
}
