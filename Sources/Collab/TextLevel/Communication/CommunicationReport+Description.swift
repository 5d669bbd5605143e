extension CommunicationReport: CustomStringConvertible {
    /// The report in lines of text: what talking added first, then the rest as far as it could be measured.
    public var description: String {
        ([addedValueLine, accuracyLine] + agreementLines + [flipLine, moveLine, messageLine]).compactMap {
            $0
        }
        .joined(separator: "\n")
            + warnings.map { "\nwarning: \($0) \($0.advice)" }.joined()
    }

    private var addedValueLine: String {
        guard let value = addedValue else {
            return "added value over voting: not known, for no right answer is (\(talks) talks)"
        }
        let interval = "\(signed(100 * value.lower)) … \(signed(100 * value.upper))"
        return
            "added value over voting: \(signed(100 * value.estimate)) points (\(interval), \(judged) talks)"
    }

    private var accuracyLine: String? {
        guard judged > 0 else { return nil }
        return line(
            "accuracy",
            [
                ("members", percent(openingAccuracy)), ("vote", percent(voteAccuracy)),
                ("outcome", percent(finalAccuracy)), ("oracle", percent(oracleAccuracy)),
                ("lost truth", percent(lostTruth)),
            ]
        )
    }

    private var agreementLines: [String?] {
        let byRound = rounds.map { round in
            let name = round.round == 0 ? "opening" : "round \(round.round)"
            return "\(name) \(percent(round.agreement) ?? "") (entropy \(round.entropy.rounded(toPlaces: 3)))"
        }
        return [
            byRound.isEmpty ? nil : "agreement: " + byRound.joined(separator: ", "),
            line(
                "independence",
                [
                    ("κ opening", number(openingKappa)), ("κ end", number(finalKappa)),
                    ("effective votes", number(effectiveVotes)), ("same error", percent(sameWrong)),
                ]
            ),
        ]
    }

    private var flipLine: String? {
        guard judged > 0 else { return nil }
        let counts =
            "right→wrong \(transitions.rightToWrong), wrong→right \(transitions.wrongToRight), "
            + "wrong→other wrong \(transitions.wrongToOtherWrong)"
        let rates = [
            percent(transitions.correctionRate).map { "correction \($0)" },
            percent(transitions.corruptionRate).map { "corruption \($0)" },
        ].compactMap { $0 }
        return "changes: \(([counts] + rates).joined(separator: ", "))"
    }

    private var moveLine: String? {
        line(
            "changes of mind",
            [
                ("of all turns", percent(flipRate)), ("conforming", percent(conformity)),
                ("returning", percent(oscillation)),
            ]
        )
    }

    private var messageLine: String? {
        let messages = edges.reduce(0) { $0 + $1.messages }
        let parts: [(String, String?)] = [
            ("messages", messages > 0 ? "\(messages)" : nil),
            ("exchanged", messages > 0 ? "\(edges.reduce(0) { $0 + $1.tokens }) tokens" : nil),
            ("redundant", percent(redundancy)),
            ("opening", openingTokens > 0 ? "\(openingTokens) tokens" : nil),
            ("later rounds", laterTokens > 0 ? "\(laterTokens) tokens" : nil),
            ("per correction", tokensPerCorrection.map { "\(Int($0.rounded())) tokens" }),
        ]
        return line("cost", parts)
    }

    private func line(_ name: String, _ parts: [(String, String?)]) -> String? {
        let known = parts.compactMap { name, value in value.map { "\(name) \($0)" } }
        return known.isEmpty ? nil : "\(name): " + known.joined(separator: ", ")
    }

    private func percent(_ share: Double?) -> String? { share.map { "\((100 * $0).rounded(toPlaces: 1)) %" } }
    private func number(_ value: Double?) -> String? { value.map { "\($0.rounded(toPlaces: 2))" } }
    private func signed(_ value: Double) -> String {
        let rounded = value.rounded(toPlaces: 1)
        return rounded > 0 ? "+\(rounded)" : rounded == 0 ? "0.0" : "\(rounded)"
    }
}
