public import Collab

/// Puts a yes-or-no question to a panel: everybody answers alone; where they differ, each hears the others once and
/// answers again; the majority of the last answers decides, and the trace tells who changed their mind.
///
/// An answer that is neither yes nor no is no vote. Ties go to the member who is most sure.
public func panelVerdict(_ members: [any TextModel]) -> some TextModel {
    Debate("panel", DebateRules(rounds: 1, answers: .yesNo, ballots: .last)) {
        members
    }
}
