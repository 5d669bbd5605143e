extension Meeting {
    /// The points of a list: lines that begin with a number or a bullet, without them; at most so many.
    ///
    /// Text around the list is left out. Without any such line there is no list.
    public static func points(in text: String, atMost limit: Int = .max) -> [String] {
        var found: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let bare = String(line).trimmed
            let number = bare.prefix { $0.isASCII && $0.isNumber }
            var rest = bare[...]
            if !number.isEmpty, let mark = bare.dropFirst(number.count).first, mark == "." || mark == ")",
                bare.dropFirst(number.count + 1).first?.isWhitespace == true
            {
                rest = bare.dropFirst(number.count + 1)
            } else if let mark = bare.first, "-*•".contains(mark), bare.dropFirst().first == " " {
                rest = bare.dropFirst()
            } else {
                continue
            }
            let point = String(rest).trimmed
            if !point.isEmpty { found.append(point) }
        }
        return Array(found.prefix(max(limit, 0)))
    }

    /// The order that a text puts numbers from 1 to `count` in, as indices from 0: the first line that names one; numbers
    /// out of range and repetitions are left out. `nil` if no line names any.
    public static func ranking(in text: String, of count: Int) -> [Int]? {
        for line in text.split(whereSeparator: \.isNewline) {
            var order: [Int] = []
            for number in line.split(whereSeparator: { !($0.isASCII && $0.isNumber) }) {
                guard let place = Int(number), (1...max(count, 1)).contains(place), count > 0 else {
                    continue
                }
                if !order.contains(place - 1) { order.append(place - 1) }
            }
            if !order.isEmpty { return order }
        }
        return nil
    }

    /// Statements in the order of their scores, best first; equal ones in the order that the tie rule says.
    public func ranked(_ statements: [Statement], by scores: [Double]) -> [Statement] {
        var places = Array(statements.indices)
        switch rules.ties {
        case .firstDeclared: break
        case .seeded:
            var generator = SeededGenerator(seed: Run.current?.drawSeed("tie") ?? 0)
            places.shuffle(using: &generator)
        case .highestConfidence:
            places.sort { (statements[$0].confidence ?? -1, -$0) > (statements[$1].confidence ?? -1, -$1) }
        }
        let rank = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
        return statements.indices
            .sorted { left, right in
                scores[left] == scores[right]
                    ? (rank[left] ?? 0) < (rank[right] ?? 0) : scores[left] > scores[right]
            }
            .map { statements[$0] }
    }
}
