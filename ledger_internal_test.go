package bbb

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var lunch = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return lunch.Add(time.Duration(minutes * float64(time.Minute))) }

// room is a meeting as a list shows it.
func room(id string, people int, created time.Time) *Meeting {
	return &Meeting{ID: id, ParticipantCount: people, CreateTime: created}
}

func foreseen(l *ledger, minutes float64) float64 { return l.load(at(minutes)).Expected }

// A meeting that nobody has come to holds 20 seats, fewer and fewer for half an hour.
func TestReservationShrinks(t *testing.T) {
	t.Parallel()
	var l ledger
	assert.True(t, l.reserve(nil, "a", 0, lunch))
	assert.Equal(t, Load{Meetings: 1, Reserved: 20, Expected: 20}, l.load(lunch))
	assert.InDelta(t, 25, l.load(lunch).Seats(), 0, "a meeting counts for itself")
	for _, c := range [][2]float64{{-5, 20}, {0, 20}, {7.5, 15}, {15, 10}, {29, 20. / 30}, {30, 0}, {100, 0}} {
		assert.InDelta(t, c[1], foreseen(&l, c[0]), 1e-9, "after %v minutes", c[0])
	}
}

// A refresh that sees the meeting neither forgets the reservation nor counts it twice.
func TestReservationIsReconciled(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	l.replace(at(1), nil)
	assert.Equal(t, 1, l.load(at(1)).Meetings, "its create is under way, whatever lists say")
	l.settle("a", 0, time.Time{})
	l.see(room("a", 0, at(1.5)))
	for i := range 5 {
		minutes := 2 + float64(i)
		l.replace(at(minutes), []*Meeting{room("a", 0, at(1.5))})
		got := l.load(at(minutes))
		assert.Equal(t, 1, got.Meetings)
		want := 20 * (1 - minutes/30)
		assert.InDelta(t, want, foreseen(&l, minutes), 1e-9)
		assert.Equal(t, at(minutes), got.Time)
	}
	l.replace(at(10), nil)
	assert.Zero(t, l.load(at(10)).Seats(), "it has ended")
}

// A list that was asked for before the create ended does not know of the meeting.
func TestListFromBeforeTheCreate(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	created := room("a", 0, at(1))
	created.FetchedAt = at(1)
	l.see(created)
	l.settle("a", 0, time.Time{})
	l.replace(at(0.9), nil)
	assert.Equal(t, 1, l.load(at(1)).Meetings)
	l.replace(at(1.1), nil)
	assert.Equal(t, 0, l.load(at(1)).Meetings)

	l.replace(at(0.5), []*Meeting{room("old", 3, at(0))})
	assert.Equal(t, 0, l.load(at(1)).Meetings, "a list that was overtaken says nothing")
}

// A create whose outcome nobody knows holds its seats as long as it may still happen.
func TestReservationOfAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	l.settle("a", 0, at(1))
	l.replace(at(0.5), nil)
	assert.Equal(t, 1, l.load(at(1)).Meetings)
	l.replace(at(1.5), nil)
	assert.Equal(t, 0, l.load(at(1)).Meetings)
}

func TestReservationIsReleased(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	l.release("a")
	l.release("never reserved")
	assert.Zero(t, l.load(lunch))

	there := room("b", 4, lunch)
	there.FetchedAt = lunch
	l.see(there)
	l.release("b")
	assert.Equal(t, 1, l.load(lunch).Meetings, "what the server has is not taken away")
	l.drop("b")
	assert.Zero(t, l.load(lunch).Meetings)
}

// Once people come, how many there are after how long tells how many there will be.
func TestExpectedPeople(t *testing.T) {
	t.Parallel()
	expected := func(people int, minutes float64) float64 {
		var l ledger
		l.replace(lunch, nil)
		l.replace(at(0.1), []*Meeting{room("a", 0, lunch)})
		l.replace(at(0.2), []*Meeting{room("a", 1, lunch)}) // about then somebody came
		l.replace(at(0.2+minutes), []*Meeting{room("a", people, lunch)})
		return foreseen(&l, 0.2+minutes)
	}
	assert.Greater(t, expected(10, 1), 2*expected(3, 1), "a meeting that fills quickly will be large")
	assert.Greater(t, expected(10, 1), expected(10, 5), "late, fewer are still to come")
	assert.InDelta(t, 10, expected(10, 40), 0.1, "and then none")
	for people := 1; people < 200; people *= 3 {
		for minutes := range 60 {
			assert.GreaterOrEqual(t, expected(people, float64(minutes)), float64(people), "never fewer than there are")
		}
	}
	assert.InDelta(t, expected(5, 2), expected(5, 2.001), 0.02, "it does not jump")
}

// A size that was told is held although few have come, and not beyond half an hour.
func TestToldSizeIsHeld(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "lecture", 300, lunch)
	l.settle("lecture", 300, time.Time{})
	assert.InDelta(t, 300, foreseen(&l, 0), 1e-9)
	l.replace(at(3), []*Meeting{room("lecture", 2, lunch)})
	assert.InDelta(t, 270, foreseen(&l, 3), 1e-9)
	l.replace(at(40), []*Meeting{room("lecture", 2, lunch)})
	assert.InDelta(t, 2, foreseen(&l, 40), 0.1)
	l.replace(at(41), []*Meeting{room("lecture", 320, lunch)})
	assert.InDelta(t, 320, foreseen(&l, 41), 1, "more came than were told")
}

func TestBreakoutRoomsHoldNothing(t *testing.T) {
	t.Parallel()
	var l ledger
	breakout := room("b", 0, lunch)
	breakout.IsBreakout = true
	l.replace(lunch, []*Meeting{breakout, room("parent", 10, at(-60))})
	assert.InDelta(t, 10, foreseen(&l, 0), 0.1)
	breakout.ParticipantCount = 4
	l.replace(at(1), []*Meeting{breakout, room("parent", 10, at(-60))})
	assert.InDelta(t, 14, foreseen(&l, 1), 0.1)
}

// Joins that were issued count until their people are seen, and not for ever.
func TestIssuedJoinsCount(t *testing.T) {
	t.Parallel()
	var l ledger
	l.replace(at(-100), []*Meeting{room("a", 5, at(-200))})
	l.replace(lunch, []*Meeting{room("a", 5, at(-200))})
	l.joined("a", 3, at(0.1))
	l.joined("unknown", 9, at(0.1))
	assert.Equal(t, 8, l.load(at(0.1)).People)
	assert.InDelta(t, 8, foreseen(&l, 0.1), 0.1)
	l.replace(at(0.2), []*Meeting{room("a", 7, at(-200))})
	assert.Equal(t, 8, l.load(at(0.2)).People, "two of three have come")
	l.replace(at(0.3), []*Meeting{room("a", 9, at(-200))})
	assert.Equal(t, 9, l.load(at(0.3)).People, "all and one more have come")
	l.joined("a", 4, at(0.4))
	l.replace(at(0.5), []*Meeting{room("a", 8, at(-200))})
	assert.Equal(t, 12, l.load(at(0.5)).People, "one has left")
	l.replace(at(1), []*Meeting{room("a", 8, at(-200))})
	assert.Equal(t, 8, l.load(at(1)).People, "they are not coming any more")
}

// When a meeting was created is what its server says, by a clock that may be any. So
// it counts as far as it agrees with when we first saw the meeting.
func TestCreateTimesOfOtherClocks(t *testing.T) {
	t.Parallel()
	for name, created := range map[string]time.Time{
		"right": at(0.5), "a year ahead": at(525600), "ahead": at(4), "an hour behind": at(-60), "none": {},
	} {
		var l ledger
		l.replace(lunch, nil)
		l.replace(at(1), []*Meeting{room("a", 0, created)})
		got := foreseen(&l, 1)
		assert.True(t, got <= 20 && got >= 20*(1-1./30)-1e-9, "%s: %v", name, got)
	}
	var l ledger // the first list of all: nothing is known but what the server says
	l.replace(lunch, []*Meeting{room("a", 0, at(-15))})
	assert.InDelta(t, 10, foreseen(&l, 0), 1e-9)
}

// Whatever the order in which a server lists its meetings.
func TestListsInAnyOrder(t *testing.T) {
	t.Parallel()
	var l ledger
	l.replace(lunch, nil)
	for i := range 10 {
		l.reserve(nil, fmt.Sprint(i), i+1, lunch)
		l.settle(fmt.Sprint(i), i+1, at(1))
	}
	var list []*Meeting
	for i := 9; i >= 0; i-- {
		list = append(list, room(fmt.Sprint(i), 0, lunch), room(fmt.Sprint(i), 50, lunch)) // named twice
	}
	l.replace(at(2), list)
	got := l.load(lunch)
	assert.Equal(t, 10, got.Meetings)
	assert.InDelta(t, 55, got.Expected, 1e-9, "their sizes stay with them")
}

// Of several creates at one time each sees the seats that those before it took.
func TestReserveAgainstWhatWasSeen(t *testing.T) {
	t.Parallel()
	var l ledger
	seen := l.seating(lunch)
	assert.True(t, l.reserve(seen, "a", 0, lunch))
	assert.False(t, l.reserve(seen, "b", 0, lunch))
	assert.True(t, l.reserve(l.seating(lunch), "b", 0, lunch))
	assert.Equal(t, 2, l.load(lunch).Meetings)
}

// A process that never asks for lists does not count for ever what it created.
func TestOldSeatsAreForgotten(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "open", 0, lunch)
	l.reserve(nil, "old", 0, lunch)
	l.settle("old", 0, lunch)
	l.reserve(nil, "joined", 0, lunch)
	l.settle("joined", 0, lunch)
	assert.True(t, l.joined("joined", 1, at(200)))
	assert.Equal(t, 3, l.load(at(239)).Meetings)
	assert.Equal(t, 2, l.load(at(240)).Meetings)
	assert.Equal(t, 2, l.load(at(439)).Meetings)
	assert.Equal(t, 1, l.load(at(440)).Meetings, "its create is still under way")
}

// What other processes told holds until a list could have it.
func TestToldReservations(t *testing.T) {
	t.Parallel()
	var l ledger
	l.told("a", 0, lunch, at(1))
	l.replace(at(0.5), nil)
	assert.InDelta(t, 20*(1-0.5/30), foreseen(&l, 0.5), 1e-9)
	l.replace(at(1.5), nil)
	assert.Zero(t, l.load(at(2)).Meetings)

	l.told("b", 0, at(2), at(3))
	l.untold("b")
	assert.Zero(t, l.load(at(2)).Meetings)
	l.told("c", 40, at(2), at(3))
	l.replace(at(2.5), []*Meeting{room("c", 0, at(2))})
	l.untold("c")
	assert.Equal(t, 1, l.load(at(2)).Meetings, "the server has it, whatever was told")
	assert.InDelta(t, 40, foreseen(&l, 2), 1e-9)
	l.reserve(nil, "d", 0, at(2))
	l.untold("d")
	assert.Equal(t, 2, l.load(at(2)).Meetings, "our own is ours")
}

// A process that starts reads what others told in the last half hour. What a list
// has shown to be over by then does not come back.
func TestToldAfterTheList(t *testing.T) {
	t.Parallel()
	var l ledger
	l.replace(at(5), nil)
	l.told("over", 0, at(0), at(1))
	assert.Zero(t, l.load(at(5)).Meetings)
	l.told("new", 0, at(4.5), at(5.5))
	assert.Equal(t, 1, l.load(at(5)).Meetings, "that list need not have had it")
}

// What others told of a create stays when ours for the same meeting is refused.
func TestReleaseBesideTheirs(t *testing.T) {
	t.Parallel()
	var l ledger
	l.told("a", 0, lunch, at(1))
	l.reserve(nil, "a", 0, lunch)
	l.release("a")
	assert.Equal(t, 1, l.load(lunch).Meetings)
	l.reserve(nil, "a", 0, lunch)
	l.untold("a")
	assert.Equal(t, 1, l.load(lunch).Meetings, "and ours when theirs is")
	l.release("a")
	assert.Zero(t, l.load(lunch).Meetings)
}

// An ID is used again every day: the meeting of today has nothing of yesterday's.
func TestIDsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var l ledger
	yesterday, today := room("a", 0, at(-60)), room("a", 0, at(0.5))
	yesterday.InternalID, today.InternalID = "1", "2"
	l.replace(lunch, []*Meeting{yesterday})
	assert.Zero(t, l.load(lunch).Expected)
	l.replace(at(1), []*Meeting{today})
	assert.InDelta(t, 20*(1-0.5/30), foreseen(&l, 1), 1e-9)

	yesterday.ParticipantCount = 50
	for name, again := range map[string]func(*ledger){
		"created here":      func(l *ledger) { l.reserve(nil, "a", 7, at(2)) },
		"created elsewhere": func(l *ledger) { l.told("a", 7, at(2), at(3)) },
	} {
		var l ledger
		l.replace(at(1), []*Meeting{yesterday})
		again(&l)
		assert.InDelta(t, 7, foreseen(&l, 2), 1e-9, name)
	}
}

// Servers list a meeting that was ended for a while. It holds nothing.
func TestEndedMeetingsAreOver(t *testing.T) {
	t.Parallel()
	var l ledger
	l.replace(lunch, []*Meeting{room("a", 5, at(-60))})
	l.drop("a")
	ended := room("a", 0, at(-60))
	ended.HasBeenForciblyEnded, ended.FetchedAt = true, at(2)
	l.replace(at(1), []*Meeting{ended})
	assert.Zero(t, l.load(at(1)).Meetings)
	l.see(ended)
	assert.Zero(t, l.load(at(2)).Meetings)
}

// A class that comes at once is a class, and the links of a class shown on one page
// are not a hundred classes.
func TestManyAtOnceAreNotThousands(t *testing.T) {
	t.Parallel()
	for size, most := range map[int]float64{0: 200, 200: 200} {
		var l ledger
		l.replace(lunch, nil)
		l.reserve(nil, "a", size, lunch)
		l.settle("a", size, time.Time{})
		for range 30 {
			l.joined("a", 1, at(0.1))
		}
		assert.InDelta(t, max(30, float64(size)), foreseen(&l, 0.1), 1)
		l.replace(at(0.2), []*Meeting{room("a", 30, lunch)})
		assert.LessOrEqual(t, foreseen(&l, 0.2), most, "size %d", size)
		assert.GreaterOrEqual(t, foreseen(&l, 0.2), 30.0, "size %d", size)
	}
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	for range 100 {
		l.joined("a", math.MaxInt, lunch)
	}
	assert.Equal(t, maxSize, l.load(lunch).People)
}

// Joins that are told after their people were seen are not told of new people.
func TestJoinsFromBeforeTheLastSight(t *testing.T) {
	t.Parallel()
	var l ledger
	l.replace(lunch, []*Meeting{room("a", 50, at(-60))})
	assert.True(t, l.joined("a", 50, at(-1)))
	assert.Equal(t, 50, l.load(lunch).People)
	assert.False(t, l.joined("unknown", 50, lunch))
}

// Somebody who reads while somebody writes gets what was there before, instead of
// waiting; and what he decides by that does not count.
func TestReadingDoesNotWait(t *testing.T) {
	t.Parallel()
	var l ledger
	l.reserve(nil, "a", 0, lunch)
	before := l.seating(lunch)
	done := l.write()
	l.taken++
	assert.Same(t, before, l.seating(lunch))
	done()
	assert.False(t, l.reserve(before, "b", 0, lunch))
	assert.NotSame(t, before, l.seating(lunch))
}

// A join URL costs the same on a server with ten thousand meetings as on one with
// ten, and so does the news of one meeting.
func BenchmarkLedger(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		var l ledger
		var list []*Meeting
		for i := range n {
			m := room(fmt.Sprint(i), 3, lunch)
			m.FetchedAt = lunch
			list = append(list, m)
		}
		l.replace(lunch, list)
		b.Run(fmt.Sprintf("join/%d meetings", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.joined("7", 1, lunch)
			}
		})
		b.Run(fmt.Sprintf("see/%d meetings", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.see(list[7])
			}
		})
		b.Run(fmt.Sprintf("list/%d meetings", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.replace(lunch, list)
			}
		})
	}
}
