/// Finds numbers in a text, as people and models write them.
struct NumberScanner {
    private let characters: [Character]
    private let percent: AnswerFormat.PercentReading

    init(_ text: String, percent: AnswerFormat.PercentReading) {
        characters = Array(Self.withoutLaTeX(text))
        self.percent = percent
    }

    /// The number that a line announced as the answer gives: what follows its last equals sign, else its first number.
    func result() -> ExactNumber? {
        let all = numbers()
        if let sign = characters.lastIndex(of: "="), let number = all.first(where: { $0.start > sign }) {
            return number.value
        }
        return all.first?.value
    }

    /// The last number.
    func last() -> ExactNumber? { numbers().last?.value }

    /// All numbers with their places.
    func numbers() -> [(start: Int, value: ExactNumber)] {
        var found: [(start: Int, value: ExactNumber)] = []
        var index = 0
        while index < characters.count {
            guard let (value, end) = number(at: index) else {
                index += 1
                // The digits of “H2O” and of “GPT-4o”, and what is left of a date, are no numbers.
                while index < characters.count, index > 0, isWordLike(index - 1), isWordLike(index) {
                    index += 1
                }
                continue
            }
            if let value { found.append((index, value)) }
            index = end
        }
        return found
    }

    /// A number that begins at a place: its value (`nil` for what only looks like one, such as a date) and its end.
    private func number(at start: Int) -> (value: ExactNumber?, end: Int)? {
        var index = start
        if start > 0, isWordLike(start - 1) { return nil }
        // “GPT-4”, “Covid-19”.
        if start > 1, characters[start - 1] == "-", characters[start - 2].isLetter { return nil }
        let isNegative = character(index) == "-"
        if isNegative || character(index) == "+" { index += 1 }
        while let symbol = character(index), Self.currencies.contains(symbol) { index += 1 }
        // A sign behind the currency: “$-5”.
        let isNegativeInside = !isNegative && index > start && character(index) == "-"
        if isNegativeInside { index += 1 }
        guard var (value, end) = decimal(at: index) else { return nil }
        if let rest = endOfUnreadableExponent(at: end) { return (nil, rest) }
        if let whole = value, let mixed = mixedFraction(whole, at: end) { (value, end) = mixed }
        if character(end) == "." || character(end) == "/", character(end + 1)?.isASCIIDigit == true {
            // A version, an address or a date.
            var rest = end
            while let next = character(rest), next.isASCIIDigit || next == "." || next == "/" { rest += 1 }
            return (nil, rest)
        }
        if let exact = value { (value, end) = scaled(exact, at: end) }
        if isNegative || isNegativeInside { value = value.flatMap { ExactNumber(-1)?.times($0) } ?? value }
        return (value, end)
    }

    /// Digits with separators, decimals, exponent, and a denominator.
    private func decimal(at start: Int) -> (ExactNumber?, Int)? {
        guard let (mantissa, afterMantissa) = plainDecimal(at: start) else { return nil }
        var (value, end): (ExactNumber?, Int) = (mantissa, afterMantissa)
        if let (power, next) = powerOfTen(at: end) {
            value = value.flatMap { $0.times(power) }
            end = next
        } else if character(end) == "^", let (exponent, next) = exponent(at: end + 1) {
            value = value.flatMap { $0.raised(to: exponent) }
            end = next
        }
        if let slash = self.slash(at: end), let (denominator, next) = plainDecimal(at: slash) {
            let isDate = character(next) == "/" && character(next + 1)?.isASCIIDigit == true
            if !isDate { return (value.flatMap { $0.divided(by: denominator) }, next) }
        }
        return (value, end)
    }

    /// Digits, separators and decimals.
    private func plainDecimal(at start: Int) -> (ExactNumber, Int)? {
        var index = start
        var integer = digits(&index)
        if integer.isEmpty {
            guard character(index) == ".", character(index + 1)?.isASCIIDigit == true else {
                return vulgarFraction(at: start)
            }
        }
        var groups = 0
        var separator: Character?
        while let next = character(index), Self.separators.contains(next) || next == ".",
            integer.count <= 3 || groups > 0, groups > 0 || integer != "0",
            separator ?? next == next, isGroup(at: index + 1)
        {
            // A single dot before three digits is a decimal point; before several groups it separates thousands.
            if next == ".", groups == 0, !isEuropean(from: index) { break }
            separator = next
            index += 1
            integer += digits(&index)
            groups += 1
        }
        var decimals = ""
        let point: Character = separator == "." ? "," : "."
        if character(index) == point, character(index + 1)?.isASCIIDigit == true {
            index += 1
            decimals = digits(&index)
        } else if groups == 0, isDecimalComma(at: index) {
            index += 1
            decimals = digits(&index)
        }
        return (ExactNumber(isNegative: false, integer: integer, decimals: decimals), index)
    }

    private func digits(_ index: inout Int) -> String {
        var result = ""
        while let digit = character(index), digit.isASCIIDigit {
            result.append(digit)
            index += 1
        }
        return result
    }

    /// Exactly three digits at a place.
    private func isGroup(at start: Int) -> Bool {
        (0..<3).allSatisfy { character(start + $0)?.isASCIIDigit == true }
            && character(start + 3)?.isASCIIDigit != true
    }

    /// Whether dots separate thousands here: two groups, or one before a decimal comma.
    private func isEuropean(from dot: Int) -> Bool {
        let after = dot + 4
        if character(after) == "." { return isGroup(at: after + 1) }
        return character(after) == "," && character(after + 1)?.isASCIIDigit == true
    }

    /// Whether a comma stands for a decimal point: `3,5`, but neither `1,2,3` nor `(3,5)`.
    private func isDecimalComma(at comma: Int) -> Bool {
        guard character(comma) == ",", character(comma + 1)?.isASCIIDigit == true else { return false }
        var end = comma + 1
        while character(end)?.isASCIIDigit == true { end += 1 }
        var start = comma
        while start > 0, characters[start - 1].isASCIIDigit { start -= 1 }
        let before = start > 0 ? characters[start - 1] : " "
        return character(end) != "," && ![")", "]", "}"].contains(character(end)) && !"([{,".contains(before)
    }

    /// A fraction behind a whole number: `2 1/2`, `2½`.
    private func mixedFraction(_ whole: ExactNumber, at end: Int) -> (ExactNumber?, Int)? {
        if let (fraction, next) = vulgarFraction(at: end) { return (whole.plus(fraction), next) }
        guard character(end) == " ", !whole.description.contains(where: { "./".contains($0) }) else {
            return nil
        }
        var index = end + 1
        let numerator = digits(&index)
        guard !numerator.isEmpty, numerator.count <= 4, character(index) == "/" else { return nil }
        index += 1
        let denominator = digits(&index)
        guard let top = Int128(numerator), let bottom = Int128(denominator), top < bottom,
            let fraction = ExactNumber(top, over: bottom), character(index) != "/"
        else { return nil }
        return (whole.plus(fraction), index)
    }

    private func vulgarFraction(at index: Int) -> (ExactNumber, Int)? {
        guard let symbol = character(index), let (top, bottom) = Self.vulgarFractions[symbol],
            let fraction = ExactNumber(top, over: bottom)
        else { return nil }
        return (fraction, index + 1)
    }

    /// `e5`, `× 10^5`, `*10**5`.
    private func powerOfTen(at start: Int) -> (ExactNumber, Int)? {
        var index = start
        if character(index) == "e" || character(index) == "E" {
            index += 1
        } else {
            guard let caret = caretOfPowerOfTen(at: index) else { return nil }
            index = caret + 1
        }
        guard let (exponent, end) = exponent(at: index), character(end)?.isLetter != true,
            let power = ExactNumber(10)?.raised(to: exponent)
        else { return nil }
        return (power, end)
    }

    /// Where the caret of `× 10^` is.
    private func caretOfPowerOfTen(at start: Int) -> Int? {
        var index = start
        while character(index) == " " { index += 1 }
        guard let sign = character(index), "×x*·".contains(sign) else { return nil }
        index += 1
        while character(index) == " " { index += 1 }
        guard character(index) == "1", character(index + 1) == "0", character(index + 2) == "^" else {
            return nil
        }
        return index + 2
    }

    /// Where an exponent ends that is there and could not be read, as in `1e500`: without it the number would be another.
    private func endOfUnreadableExponent(at start: Int) -> Int? {
        let caret = caretOfPowerOfTen(at: start) ?? start
        guard let mark = character(caret), "^eE".contains(mark) else { return nil }
        var index = caret + 1
        while let next = character(index), "{(+-".contains(next) { index += 1 }
        guard character(index)?.isASCIIDigit == true else { return nil }
        while character(index)?.isASCIIDigit == true { index += 1 }
        return index
    }

    private func exponent(at start: Int) -> (Int, Int)? {
        var index = start
        let isBraced = character(index) == "{" || character(index) == "("
        if isBraced { index += 1 }
        let isNegative = character(index) == "-"
        if isNegative || character(index) == "+" { index += 1 }
        let text = digits(&index)
        guard let value = Int(text), value <= 128 else { return nil }
        if isBraced { index += 1 }
        return (isNegative ? -value : value, index)
    }

    /// Where the denominator of a fraction begins: right behind a slash, which may have spaces around it.
    private func slash(at end: Int) -> Int? {
        if character(end) == "/", character(end + 1)?.isASCIIDigit == true { return end + 1 }
        let isSpaced = character(end) == " " && character(end + 1) == "/" && character(end + 2) == " "
        return isSpaced && character(end + 3)?.isASCIIDigit == true ? end + 3 : nil
    }

    /// The value with the percent sign or the word (`million`) behind it.
    private func scaled(_ value: ExactNumber, at end: Int) -> (ExactNumber?, Int) {
        var index = end
        while character(index) == " " { index += 1 }
        if character(index) == "%" {
            guard percent == .fraction, let hundred = ExactNumber(100) else { return (value, index + 1) }
            return (value.divided(by: hundred), index + 1)
        }
        var word = ""
        var wordEnd = index
        while let letter = character(wordEnd), letter.isLetter {
            word.append(letter)
            wordEnd += 1
        }
        word = word.lowercased()
        if percent == .fraction, word == "percent", let hundred = ExactNumber(100) {
            return (value.divided(by: hundred), wordEnd)
        }
        guard let places = Self.magnitudes[word], let scale = ExactNumber(10)?.raised(to: places) else {
            return (value, end)
        }
        return (value.times(scale) ?? value, wordEnd)
    }

    private func character(_ index: Int) -> Character? {
        characters.indices.contains(index) ? characters[index] : nil
    }

    private func isWordLike(_ index: Int) -> Bool {
        let character = characters[index]
        return character.isLetter && character != "×" || character.isASCIIDigit || character == "_"
    }

    private static let currencies: Set<Character> = ["$", "€", "£", "¥"]
    private static let separators: Set<Character> = [",", "'", "’", "_", "\u{a0}", "\u{202f}", "\u{2009}"]
    private static let magnitudes = ["thousand": 3, "million": 6, "billion": 9, "trillion": 12]
    private static let vulgarFractions: [Character: (Int128, Int128)] = [
        "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8),
    ]
}

extension Character {
    /// Whether the character is one of 0 to 9.
    var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
