package bbb

import (
	"errors"
	"strings"
)

// validate reports every problem at once. It makes no garbage when there is none.
func (t *paramTable[P]) validate(p *P) error {
	var problems problemList
	for _, f := range t.judged {
		if problem := f.problem(p); problem != "" {
			problems.add(t.call, f.name(), problem)
		}
	}
	for i := range t.families {
		if f := &t.families[i]; !f.flawless(*f.field(p)) {
			problems = append(problems, f.problems(t.call, *f.field(p))...)
		}
	}
	if len(*t.extra(p)) > 0 {
		problems = append(problems, t.extraProblems(p)...)
	}
	problems = append(problems, t.joint(p)...)
	return problems.err()
}

// problem tells what is wrong with the parameter.
func (f *param[P]) problem(p *P) string {
	if f.check != nil {
		return f.check(p)
	}
	text := f.text(p)
	if text == "" {
		if f.must {
			return "is required"
		}
		return ""
	}
	return f.textProblem(text)
}

// textProblem tells what is wrong with a text that is not empty.
func (f *param[P]) textProblem(text string) string {
	if f.chars != nil && !isPlain(text) {
		if problem := f.chars(text); problem != "" {
			return problem
		}
	}
	return f.rulesProblem(text)
}

// sound tells of a text whose bytes are of the classes seen that textProblem finds nothing. Otherwise it may.
func (f *param[P]) sound(text string, seen byteClass) bool {
	return isSound(text, seen, f.bad) && f.rulesProblem(text) == ""
}

func (f *param[P]) rulesProblem(text string) string {
	for _, rule := range f.rules {
		if problem := rule(text); problem != "" {
			return problem
		}
	}
	return ""
}

// flawless spares the common map the way of problems, which sorts: one without problems, and without a capital
// letter that could make two keys one.
func (f *paramFamily[P]) flawless(m map[string]string) bool {
	for key, value := range m {
		if f.foldsCase && hasCapital(key) || f.keyRule(key) != "" || manyLines(value) != "" {
			return false
		}
	}
	return true
}

func (f *paramFamily[P]) problems(call string, m map[string]string) (problems problemList) {
	folded := make(map[string]bool)
	for _, key := range sortedKeys(m) {
		name := f.prefix + key
		if problem := f.keyRule(key); problem != "" {
			problems.add(call, name, problem)
		} else if f.foldsCase && folded[strings.ToLower(key)] {
			problems.add(call, name, problemFolded)
		} else if problem := manyLines(m[key]); problem != "" {
			problems.add(call, name, problem)
		}
		folded[strings.ToLower(key)] = true
	}
	return problems
}

func (t *paramTable[P]) extraProblems(p *P) (problems problemList) {
	extra := *t.extra(p)
	for _, name := range sortedKeys(extra) {
		family, _ := t.family(name)
		switch {
		case name == "":
			problems.add(t.call, name, "has no name in Extra")
		case name == checksumParam:
			problems.add(t.call, name, "is added by signing and cannot be in Extra")
		case t.byName[name] != nil:
			problems.add(t.call, name, "cannot be in Extra; use the field "+t.byName[name].goName())
		case family != nil:
			problems.add(t.call, name, "cannot be in Extra; use the field "+family.goName())
		case oneLine(name) != "":
			problems.add(t.call, name, oneLine(name))
		default:
			for _, value := range extra[name] {
				if problem := manyLines(value); problem != "" {
					problems.add(t.call, name, problem)
					break
				}
			}
		}
	}
	return problems
}

// A problemList collects ParamErrors to be joined.
type problemList []error

func (l *problemList) add(call, param, problem string) {
	*l = append(*l, &ParamError{Call: call, Param: param, Problem: problem})
}

func (l problemList) err() error {
	if len(l) == 0 {
		return nil
	}
	return errors.Join(l...)
}
