import Foundation

/// What came of a call whose server was at fault.
struct FaultRow {
    /// The fault, as the server takes it.
    var fault: String
    /// Whether an error is what should come of it.
    var expectsError: Bool
    var text = ""
    /// `answer`, `error` with the error's name, or `raw` with the name of an error that is not the library's.
    var outcome = "answer"
    /// Why the answer ended, as the server named it; `none` if the client says that it was not told.
    var ending = "stop"
    /// The arguments of the tools that are to be called.
    var arguments = ""
    var seconds = 0.0
    var requests = 0
    var billed = 0
    /// The shortest time between two requests, in seconds; `nil` if there was one only.
    var pause: Double?

    /// Takes over what the server counted.
    mutating func count(_ statistics: [String: Any]) {
        requests = statistics["requests"] as? Int ?? 0
        billed = statistics["billed_requests"] as? Int ?? 0
        let arrivals = statistics["arrivals"] as? [Double] ?? []
        pause = zip(arrivals.dropFirst(), arrivals).map { $0 - $1 }.min()
    }

    /// How good it is: 3 the whole answer, 2 an error of the library's own, 1 an error from somewhere beneath, 0 a
    /// wrong, incomplete or unwanted answer reported as a good one, or a key in an error.
    var grade: Int {
        switch outcome.prefix(3) {
        case "ans": isWhole && isEndingTold && !expectsError ? 3 : 0
        case "err": text == "the key is shown" ? 0 : 2
        default: 1
        }
    }

    /// Whether the text has its beginning and its end, every word twice if it was sent so; bytes that are no text may
    /// have become U+FFFD.
    private var isWhole: Bool {
        text.hasPrefix(fault == "dup=all" ? "ParisParis is is" : "Paris is the") && text.hasSuffix("tea.")
    }

    /// Whether the ending is the one that the server sent, and with it the tool that it asks for.
    private var isEndingTold: Bool {
        switch fault {
        case "finish=weird": ending == "weird"
        case "nofinish": ending != "stop"
        case "toolfrag": ending == "tool_calls" && arguments == #"{"city": "Paris", "unit": "c"}"#
        default: true
        }
    }

    /// Whether the wait was the one that the server asked for: no shorter, and no longer by more than a half and 0.3 s.
    private var keepsPause: Bool {
        guard let asked = askedPause, let pause else { return true }
        return pause >= asked && pause <= asked * 1.5 + 0.3
    }

    /// How long the server asks to wait before the next request, in seconds, if it asks for something sensible.
    private var askedPause: Double? {
        for field in fault.split(separator: ",") {
            let parts = field.split(separator: "=")
            guard parts.count == 2, let number = Double(parts[1]), (0.1...60_000).contains(number) else {
                continue
            }
            if parts[0] == "retry_after", number <= 60 { return number }
            if parts[0] == "retry_after_ms" { return number / 1000 }
        }
        return nil
    }

    /// What the table says of it.
    var description: String {
        let told = ending == "stop" ? "answer" : "answer (\(ending))"
        let what =
            switch (grade, outcome) {
            case (3, _): told
            case (0, "answer") where text.isEmpty: "**nothing, as success**"
            case (0, "answer") where isWhole: "**\(told)**"
            case (0, "answer"): "**“\(text.prefix(12))…” as success**"
            case (0, _): "**error with the key**"
            case (1, _): "**\(outcome.replacingOccurrences(of: "raw ", with: ""))**"
            default: outcome.replacingOccurrences(of: "error ", with: "")
            }
        return "\(what), \(requests)/\(billed), \(String(format: "%.1f", seconds)) s"
    }

    /// How it compares with another client's.
    ///
    /// Better is the better outcome, then fewer calls that are charged for, then fewer requests, then the wait that the
    /// server asked for, and last a clearly shorter time: by more than a second, and by more than a third.
    func verdict(beside other: FaultRow) -> String {
        func judge(_ isBetter: Bool) -> String { isBetter ? "better" : "worse" }
        if grade != other.grade { return judge(grade > other.grade) }
        if billed != other.billed { return judge(billed < other.billed) }
        if requests != other.requests { return judge(requests < other.requests) }
        if keepsPause != other.keepsPause { return judge(keepsPause) }
        let longer = max(seconds, other.seconds)
        if longer - min(seconds, other.seconds) < 1 || longer < 1.5 * min(seconds, other.seconds) {
            return "equal"
        }
        return judge(seconds < other.seconds)
    }
}
