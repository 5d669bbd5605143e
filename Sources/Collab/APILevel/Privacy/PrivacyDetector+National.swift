/// A country's number for its people.
public enum NationalNumber: String, Hashable, Sendable, Codable, CaseIterable {
    /// Brazil: CPF, two check digits.
    case brazil
    /// France: numéro de sécurité sociale, modulo 97.
    case france
    /// Germany: Steuer-Identifikationsnummer, ISO 7064 modulo 11,10.
    case germany
    /// India: Aadhaar, Verhoeff's scheme.
    case india
    /// The Netherlands: burgerservicenummer, eleven test.
    case netherlands
    /// Poland: PESEL, weighted sum.
    case poland
    /// Spain: DNI and NIE, check letter modulo 23.
    case spain
    /// The United Kingdom: National Insurance number, which has a form but no check digit.
    case unitedKingdom
    /// The United States: social security number with its separators, which has no check digit.
    case unitedStates
}

extension PrivacyDetector {
    /// The numbers of one country's people whose check digits are right; without any, those of their form.
    public static func nationalNumber(_ country: NationalNumber) -> PrivacyDetector {
        PrivacyDetector("national numbers (\(country.rawValue))") { text in
            let runs = DigitRuns(text)
            let found =
                switch country {
                case .spain, .unitedKingdom: country.words(in: runs)
                default: runs.numbers(country.lengths) { country.accepts($0, $1) }
                }
            return found.map { PrivateSpan(kind: "ID", range: runs.range($0)) }
        }
    }
}

extension NationalNumber {
    fileprivate var lengths: ClosedRange<Int> {
        switch self {
        case .france: 15...15
        case .india: 12...12
        case .netherlands, .unitedStates: 9...9
        default: 11...11
        }
    }

    fileprivate func accepts(_ digits: [Int], _ groups: ArraySlice<DigitRuns.Group>) -> Bool {
        let isVaried = Set(digits).count > 1
        switch self {
        case .brazil:
            func check(_ count: Int) -> Int {
                let sum = CheckDigits.weighted(
                    digits.prefix(count),
                    stride(from: count + 1, through: 2, by: -1)
                )
                return sum * 10 % 11 % 10
            }
            return isVaried && check(9) == digits[9] && check(10) == digits[10]
        case .france:
            return (1...2).contains(digits[0])
                && 97 - CheckDigits.remainder(digits.prefix(13), by: 97)
                    == CheckDigits.remainder(digits.suffix(2), by: 1000)
        case .germany: return digits[0] != 0 && CheckDigits.mod11And10(digits)
        case .india: return digits[0] >= 2 && CheckDigits.verhoeff(digits)
        case .netherlands:
            return isVaried && CheckDigits.weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0
        case .poland:
            let month = digits[2] * 10 + digits[3]
            return (1...12).contains(month % 20)
                && CheckDigits.weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0
        case .unitedStates:
            let area = CheckDigits.remainder(digits.prefix(3), by: 1000)
            return groups.map(\.digits.count) == [3, 2, 4] && area != 0 && area != 666 && area < 900
                && digits[3] + digits[4] > 0 && digits.suffix(4).contains { $0 > 0 }
        case .spain, .unitedKingdom: return false
        }
    }

    /// Numbers with letters in them: words, perhaps in groups.
    fileprivate func words(in runs: DigitRuns) -> [Range<Int>] {
        var found: [Range<Int>] = []
        let scalars = runs.scalars
        for start in scalars.indices where start == 0 || !DigitRuns.joinsWords(scalars[start - 1]) {
            var values: [Int] = []
            var index = start
            while index < scalars.count, values.count < 9 {
                if let value = PrivacyDetector.alphanumericValue(scalars[index]) {
                    values.append(value)
                } else if values.isEmpty || !DigitRuns.isSeparator(scalars[index]) {
                    break
                }
                index += 1
            }
            let isWhole = index == scalars.count || !DigitRuns.joinsWords(scalars[index])
            if values.count == 9, isWhole, accepts(values: values) { found.append(start..<index) }
        }
        return found
    }

    private func accepts(values: [Int]) -> Bool {
        func isLetter(_ value: Int) -> Bool { value >= 10 }
        if self == .unitedKingdom {
            // Two letters, six digits, and one of A to D.
            let unused = Set("DFIQUV".unicodeScalars.compactMap(PrivacyDetector.alphanumericValue))
            return values.prefix(2).allSatisfy { isLetter($0) && !unused.contains($0) }
                && values[2..<8].allSatisfy { !isLetter($0) } && (10...13).contains(values[8])
        }
        var digits = Array(values.prefix(8))
        // X, Y and Z, which foreigners' numbers begin with, stand for 0, 1 and 2.
        if (33...35).contains(digits[0]) { digits[0] -= 33 }
        guard digits.allSatisfy({ !isLetter($0) }), isLetter(values[8]) else { return false }
        let letters = Array("TRWAGMYFPDXBNJZSQVHLCKE".unicodeScalars)
        let letter = letters[CheckDigits.remainder(digits, by: 23)]
        return PrivacyDetector.alphanumericValue(letter) == values[8]
    }
}
