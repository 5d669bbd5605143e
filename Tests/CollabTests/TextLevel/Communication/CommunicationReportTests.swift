import Collab
import Testing

@Suite("A report on communication")
struct CommunicationReportTests {
    /// Four talks of three members, worked out by hand below.
    private static let talks = [
        // A right minority is talked away.
        talk([["R", "1", "1"], ["1", "1", "1"]], truth: "R", outcome: "1"),
        // A wrong majority is convinced.
        talk([["R", "1", "1"], ["R", "R", "1"]], truth: "R", outcome: "R"),
        // Everybody wrong, one otherwise than before.
        talk([["1", "1", "2"], ["1", "3", "2"]], truth: "R", outcome: "1"),
        // Agreed from the start.
        talk([["R", "R", "R"]], truth: "R", outcome: "R"),
    ]

    @Test("says first what talking added to a vote")
    func addedValue() throws {
        let report = CommunicationReport(of: Self.talks)
        // The vote is right on the last talk alone, the outcome on two of four.
        #expect(report.voteAccuracy == 0.25)
        #expect(report.finalAccuracy == 0.5)
        #expect(report.addedValue?.estimate == 0.25)
        #expect(report.addedValue.map { $0.lower <= 0.25 && $0.upper >= 0.25 } == true)
        #expect(report.openingAccuracy == 5.0 / 12)
        #expect(report.oracleAccuracy == 0.75)
        #expect(report.lostTruth == 1.0 / 3)
        #expect(report.description.hasPrefix("added value over voting: +25.0 points"))
    }

    @Test("counts what became of right and wrong answers")
    func transitions() {
        let report = CommunicationReport(of: Self.talks)
        let moves = report.transitions
        #expect(moves.rightToRight == 1)
        #expect(moves.rightToWrong == 1)
        #expect(moves.wrongToRight == 1)
        #expect(moves.wrongToSame == 5)
        #expect(moves.wrongToOtherWrong == 1)
        #expect(moves.correctionRate == 1.0 / 7)
        #expect(moves.corruptionRate == 0.5)
        #expect(report.flipRate == 3.0 / 9)
        // a followed two, b one of two equal ones; the third went its own way.
        #expect(report.conformity == 2.0 / 3)
        #expect(report.oscillation == 0)
        #expect(
            report.capitulations == [
                .init(first: "a", second: "b", firstToSecond: 1, secondToFirst: 1),
                .init(first: "a", second: "c", firstToSecond: 1, secondToFirst: 0),
            ]
        )
        #expect(report.capitulations.map(\.asymmetry) == [0, 1])
    }

    @Test("counts tokens by round, and what a correction costs")
    func tokens() {
        var talks = Self.talks
        talks.append(talk([["1", "R", "R"], ["R", "R", "R"]], truth: "R"))
        let report = CommunicationReport(of: talks)
        // Thirty tokens a turn.
        #expect(report.openingTokens == 15 * 30)
        #expect(report.laterTokens == 12 * 30)
        // Two corrections, one corruption.
        #expect(report.tokensPerCorrection == 360)
        #expect(report.edges.count == 6)
        #expect(report.edges.allSatisfy { $0.messages == 4 && $0.tokens == 40 })
        #expect(CommunicationReport(of: Self.talks).tokensPerCorrection == nil)
    }

    @Test("takes a tied vote for the share of it that is right")
    func ties() {
        let report = CommunicationReport(of: [
            talk([["R", "1"]], truth: "R"), talk([["1", "2"]], truth: "R"),
        ])
        #expect(report.voteAccuracy == 0.25)
        #expect(report.finalAccuracy == 0.25)
        #expect(report.addedValue?.estimate == 0)
    }

    @Test("measures agreement among raters as Fleiss did")
    func kappa() throws {
        // The example of Fleiss 1971: fourteen raters, ten items, five classes, κ = 0.210. statsmodels 0.15.0 gives
        // 0.20993070442195522 for it.
        let counts = [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]
        let items = counts.map { row in
            row.enumerated().flatMap { Array(repeating: Answer.value("\($0)"), count: $1) }
        }
        let kappa = try #require(CommunicationReport.fleissKappa(items))
        #expect(abs(kappa - 0.20993070442195522) < 1e-12)
        // What could not be read is no rating.
        #expect(CommunicationReport.fleissKappa(items.map { $0 + [.unparsed] }) == kappa)
        #expect(CommunicationReport.fleissKappa([[.value("1"), .value("1")]]) == nil)
        #expect(CommunicationReport.fleissKappa([[.value("1")], [.unparsed, .value("2")]]) == nil)
    }

    @Test("knows how many votes the members are worth")
    func effectiveVotes() {
        // Two members that are right on the same talks, and two whose errors have nothing to do with each other.
        let twins = (0..<8).map { index in
            talk([index % 2 == 0 ? ["R", "R"] : ["1", "1"]], truth: "R")
        }
        let apart = (0..<8).map { index in
            talk([[index % 2 == 0 ? "R" : "1", index / 2 % 2 == 0 ? "R" : "2"]], truth: "R")
        }
        #expect(CommunicationReport(of: twins).effectiveVotes == 1)
        #expect(CommunicationReport(of: twins).sameWrong == 1)
        #expect(CommunicationReport(of: apart).effectiveVotes == 2)
        #expect(CommunicationReport(of: apart).sameWrong == 0)
    }

    @Test("says nothing about right and wrong where that is not known")
    func unknown() {
        let report = CommunicationReport(of: [talk([["1", "2"], ["2", "2"]], outcome: "2")])
        #expect(report.addedValue == nil)
        #expect(report.lostTruth == nil)
        #expect(report.effectiveVotes == nil)
        #expect(report.judged == 0)
        #expect(report.flipRate == 0.5)
        #expect(report.description.hasPrefix("added value over voting: not known"))
        #expect(CommunicationReport(of: []).rounds.isEmpty)
    }

    @Test("warns of talks that do not converge")
    func divergence() {
        let circling = talk([["1", "2"], ["2", "1"], ["1", "2"]])
        let agreeing = talk([["1", "2"], ["2", "2"]])
        #expect(CommunicationReport(of: [circling, agreeing]).warnings.map(\.kind) == [.divergence])
        #expect(CommunicationReport(of: [agreeing]).warnings.isEmpty)
    }

    @Test("warns of an echo chamber")
    func echoChamber() {
        let following = Array(repeating: talk([["1", "2", "2"], ["2", "2", "2"]]), count: 3)
        #expect(CommunicationReport(of: following).warnings.map(\.kind) == [.echoChamber])
        // Not if those who follow are set right by it.
        let corrected = following.map { Talk(turns: $0.turns, truth: .value("2")) }
        #expect(CommunicationReport(of: corrected).warnings.isEmpty)
        let misled = following.map { Talk(turns: $0.turns, truth: .value("1")) }
        #expect(CommunicationReport(of: misled).warnings.map(\.kind) == [.echoChamber])
    }

    @Test("warns of a member that repeats itself")
    func repetition() {
        var repeating = talk([["1", "2"], ["1", "2"], ["1", "2"], ["1", "2"]])
        for index in repeating.turns.indices where repeating.turns[index].before != nil {
            repeating.turns[index].repetition = repeating.turns[index].speaker == "a" ? 0.99 : 0.4
        }
        let warnings = CommunicationReport(of: [repeating]).warnings
        #expect(warnings.map(\.kind) == [.divergence, .degenerateRepetition])
        #expect(warnings.last?.description == "a repeated itself in 3 of 3 turns.")
    }
}
