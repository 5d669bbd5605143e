import Collab
import Foundation

/// What the sittings show: accuracies with intervals, and which errors debate and reflection caught.
struct Findings {
    let sittings: [Sitting]
    let members: [String]
    let seed: UInt64

    /// Everything, in lines.
    var text: String {
        (["\(sittings.count) questions, chance \(percent(chance))", ""] + accuracies + [""] + caught + [""]
            + examples
            + ["", "How they talked", report.description]).joined(separator: "\n")
    }

    private var report: CommunicationReport { CommunicationReport(of: sittings.map(\.talk), seed: seed) }

    private var chance: Double {
        sittings.reduce(0) { $0 + 1 / Double($1.question.options.count) } / Double(max(sittings.count, 1))
    }

    private var accuracies: [String] {
        var lines = ["Accuracy, with 95 % intervals"]
        for (index, member) in members.enumerated() {
            lines.append(row("\(member) alone") { $0.isRight($0.first[index]) })
            lines.append(row("\(member), thinking again") { $0.isRight($0.reflected[index]) })
            lines.append(row("\(member), after the debate") { $0.isRight($0.final(index)) })
        }
        lines.append(row("debate") { $0.isRight($0.talk.outcome) })
        for (index, member) in members.enumerated() {
            let difference = ConfidenceInterval.bootstrap(count: sittings.count, seed: seed) { places in
                places.reduce(0.0) { sum, place in
                    let sitting = sittings[place]
                    return sum + (sitting.isRight(sitting.talk.outcome) ? 1 : 0)
                        - (sitting.isRight(sitting.reflected[index]) ? 1 : 0)
                } / Double(max(places.count, 1))
            }
            lines.append("debate less \(member)'s reflection: \(points(difference))")
        }
        return lines
    }

    /// Of each member's errors: which of the two made it change to the truth; and what each made it lose.
    private var caught: [String] {
        members.indices.flatMap { index -> [String] in
            let wrong = sittings.filter { !$0.isRight($0.first[index]) }
            let right = sittings.filter { $0.isRight($0.first[index]) }
            func count(_ sittings: [Sitting], _ debate: Bool, _ reflection: Bool) -> Int {
                sittings.count {
                    $0.isRight($0.final(index)) == debate && $0.isRight($0.reflected[index]) == reflection
                }
            }
            return [
                "\(members[index]): of \(wrong.count) errors the debate alone set right \(count(wrong, true, false)), "
                    + "reflection alone \(count(wrong, false, true)), both \(count(wrong, true, true)), "
                    + "neither \(count(wrong, false, false))",
                "\(members[index]): of \(right.count) right answers the debate alone lost \(count(right, false, true)), "
                    + "reflection alone \(count(right, true, false)), both \(count(right, false, false))",
            ]
        }
    }

    /// A few questions on which debate and reflection came to different ends.
    private var examples: [String] {
        let kinds: [(String, (Sitting) -> Bool)] = [
            (
                "the debate set right, reflection did not",
                { sitting in
                    members.indices.contains {
                        !sitting.isRight(sitting.first[$0]) && sitting.isRight(sitting.final($0))
                            && !sitting.isRight(sitting.reflected[$0])
                    }
                }
            ),
            (
                "reflection set right, the debate did not",
                { sitting in
                    members.indices.contains {
                        !sitting.isRight(sitting.first[$0]) && !sitting.isRight(sitting.final($0))
                            && sitting.isRight(sitting.reflected[$0])
                    }
                }
            ),
        ]
        return kinds.flatMap { name, holds in
            let found = sittings.filter(holds)
            return ["\(name): \(found.count) questions"] + found.prefix(3).map { "  “\($0.question.text)”" }
        }
    }

    private func row(_ name: String, _ isRight: (Sitting) -> Bool) -> String {
        let share = ConfidenceInterval.share(of: sittings.count(where: isRight), in: sittings.count)
        let padded = name.padding(toLength: max(name.count, 44), withPad: " ", startingAt: 0)
        return "\(padded) \(percent(share.estimate)) (\(percent(share.lower)) – \(percent(share.upper)))"
    }

    private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    private func points(_ interval: ConfidenceInterval) -> String {
        String(
            format: "%+.1f points (%+.1f … %+.1f)",
            100 * interval.estimate,
            100 * interval.lower,
            100 * interval.upper
        )
    }
}
