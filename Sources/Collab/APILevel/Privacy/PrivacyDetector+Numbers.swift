extension PrivacyDetector {
    /// Card numbers: 13 to 19 digits in any grouping whose check digit is right (Luhn).
    public static let cardNumber = PrivacyDetector("card numbers") { text in
        let runs = DigitRuns(text)
        return runs.numbers(13...19) { digits, _ in (2...6).contains(digits[0]) && CheckDigits.luhn(digits) }
            .map { PrivateSpan(kind: "CARD", range: runs.range($0)) }
    }

    /// Telephone numbers: international ones behind a plus sign, and national ones that begin with 0 or are grouped as
    /// in North America.
    public static let phone = PrivacyDetector("telephone numbers") { text in
        let runs = DigitRuns(text)
        return runs.numbers(7...15) { digits, groups in
            guard let first = groups.first else { return false }
            let before = first.range.lowerBound - 1
            if before >= 0, "+＋".unicodeScalars.contains(runs.scalars[before]) { return digits.count >= 8 }
            let sizes = groups.map(\.digits.count)
            if sizes.count >= 3, sizes.suffix(3) == [3, 3, 4], sizes.count == 3 || first.digits == [1] {
                return true
            }
            return first.digits[0] == 0 && first.digits.count >= 2 && (9...13).contains(digits.count)
        }
        .map { offsets in
            // The plus sign and an opening bracket belong to the number.
            var start = offsets.lowerBound
            while start > 0, "+＋(".unicodeScalars.contains(runs.scalars[start - 1]) { start -= 1 }
            return PrivateSpan(kind: "PHONE", range: runs.range(start..<offsets.upperBound))
        }
    }

    /// IP addresses of version 4.
    public static let ipAddress = PrivacyDetector("IP addresses") { text in
        let runs = DigitRuns(text)
        return runs.numbers(4...12) { _, groups in
            groups.count == 4 && groups.dropFirst().allSatisfy { $0.separator == "." }
                && groups.allSatisfy {
                    $0.digits.count <= 3 && CheckDigits.remainder($0.digits, by: 1000) <= 255
                }
        }
        .map { PrivateSpan(kind: "IP", range: runs.range($0)) }
    }

    /// International bank account numbers, in any grouping, whose check digits are right (ISO 13616).
    public static let iban = PrivacyDetector("bank account numbers") { text in
        let runs = DigitRuns(text)
        let scalars = runs.scalars
        var spans: [PrivateSpan] = []
        var start = 0
        while start < scalars.count {
            guard start == 0 || !DigitRuns.joinsWords(scalars[start - 1]),
                let end = ibanEnd(scalars, from: start)
            else {
                start += 1
                continue
            }
            spans.append(PrivateSpan(kind: "IBAN", range: runs.range(start..<end)))
            start = end
        }
        return spans
    }

    /// Where the longest account number that begins at a place ends.
    private static func ibanEnd(_ scalars: [Unicode.Scalar], from start: Int) -> Int? {
        var values: [Int] = []
        var best: Int?
        var index = start
        while index < scalars.count, values.count < 34 {
            let scalar = scalars[index]
            if let value = alphanumericValue(scalar) {
                let isLetter = value >= 10
                if values.count < 2 ? !isLetter : values.count < 4 && isLetter { return nil }
                values.append(value)
                index += 1
                let isEnd = index == scalars.count || !DigitRuns.joinsWords(scalars[index])
                if isEnd, values.count >= 15, isIBAN(values) { best = index }
            } else if values.count >= 2, DigitRuns.isSeparator(scalar),
                index + 1 < scalars.count, alphanumericValue(scalars[index + 1]) != nil
            {
                index += 1
            } else {
                break
            }
        }
        return best
    }

    private static func isIBAN(_ values: [Int]) -> Bool {
        let turned = values.dropFirst(4) + values.prefix(4)
        return turned.reduce(0) { ($1 >= 10 ? $0 * 100 + $1 : $0 * 10 + $1) % 97 } == 1
    }

    /// 0…9 for digits, 10…35 for letters.
    static func alphanumericValue(_ scalar: Unicode.Scalar) -> Int? {
        if let digit = DigitRuns.digit(scalar) { return digit }
        switch scalar {
        case "A"..."Z": return Int(scalar.value) - 55
        case "a"..."z": return Int(scalar.value) - 87
        default: return nil
        }
    }
}
