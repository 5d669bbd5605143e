public import Collab

/// Lets experts estimate a number without hearing who said what, and answers with the median.
///
/// Each round everybody is told the median and the middle half of the group's answers, and the reasons of those outside it
/// (the Delphi method). It ends when all agree, when nobody moves any more, or after the rounds.
///
/// - Parameters:
///   - experts: those who estimate; three or more, of different kinds if possible.
///   - rounds: how often the group's answers are fed back at most.
public func estimateByExperts(_ experts: [any TextModel], rounds: Int = 2) -> some TextModel {
    Panel("estimate", Delphi(rounds: rounds)) { experts }
}
