#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension PrivacyDetector {
    /// E-mail addresses, of any script.
    public static let email = PrivacyDetector("e-mail addresses") { text in
        let runs = DigitRuns(text)
        let scalars = runs.scalars
        func isLocal(_ scalar: Unicode.Scalar) -> Bool {
            DigitRuns.isWord(scalar) || ".!#$%&'*+/=?^`{|}~-".unicodeScalars.contains(scalar)
        }
        func isDomain(_ scalar: Unicode.Scalar) -> Bool {
            DigitRuns.isWord(scalar) || scalar == "-" || scalar == "." || scalar == "。"
        }
        return scalars.indices.compactMap { place in
            guard scalars[place] == "@" || scalars[place] == "＠" else { return nil }
            var (start, end) = (place, place + 1)
            while start > 0, isLocal(scalars[start - 1]) { start -= 1 }
            while end < scalars.count, isDomain(scalars[end]) { end += 1 }
            // A sentence's full stop and dashes around the address are not part of it.
            while end > place + 1, !DigitRuns.isWord(scalars[end - 1]) { end -= 1 }
            while start < place, scalars[start] == "." || scalars[start] == "'" { start += 1 }
            let domain = scalars[(place + 1)..<end]
            guard start < place, domain.contains(where: { $0 == "." || $0 == "。" }) else { return nil }
            return PrivateSpan(kind: "EMAIL", range: runs.range(start..<end))
        }
    }

    /// Keys and passwords: what begins like the keys of well-known services, private keys in PEM, JSON web tokens, what
    /// stands behind a label such as `password:`, and long strings that look drawn at random.
    public static let secret = PrivacyDetector("keys and passwords") { text in
        pemBlocks(text) + keyWords(text)
    }

    private static let prefixes = [
        "sk-", "pk-", "rk_", "sk_live_", "sk_test_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
        "glpat-",
        "xoxb-", "xoxp-", "xoxa-", "xoxs-", "AKIA", "ASIA", "AIza", "ya29.", "hf_", "gsk_", "npm_", "pypi-",
        "dop_v1_",
        "SG.", "eyJ",
    ]

    private static let labels: Set<String> = [
        "password", "passwd", "pwd", "passwort", "kennwort", "secret", "token", "apikey", "bearer",
        "contraseña",
        "passphrase", "pin",
    ]

    private static func pemBlocks(_ text: String) -> [PrivateSpan] {
        text.occurrences(of: "-----BEGIN").compactMap { begin in
            let rest = text[begin.upperBound...]
            guard rest.prefix(40).contains("PRIVATE KEY-----") else { return nil }
            // A block without an end goes on to the end of the text.
            var end = text.endIndex
            if let mark = rest.ranges(of: "-----END").first {
                end =
                    text[mark.upperBound...].ranges(of: "-----").first?.upperBound ?? text.endIndex
            }
            return PrivateSpan(kind: "KEY", range: begin.lowerBound..<end)
        }
    }

    private static func keyWords(_ text: String) -> [PrivateSpan] {
        func isKey(_ character: Character) -> Bool {
            guard let scalar = character.unicodeScalars.first, character.unicodeScalars.count == 1 else {
                return false
            }
            return scalar.isASCII && (DigitRuns.isWord(scalar) || "-.+/=~".unicodeScalars.contains(scalar))
        }
        var spans: [PrivateSpan] = []
        var index = text.startIndex
        var label: String?
        while index < text.endIndex {
            guard !text[index].isWhitespace, !"\"'`:;,()[]{}<>“”‘’".contains(text[index]) else {
                index = text.index(after: index)
                continue
            }
            let start = index
            while index < text.endIndex, !text[index].isWhitespace,
                !"\"'`:;,()[]{}<>“”‘’".contains(text[index])
            {
                index = text.index(after: index)
            }
            var word = text[start..<index]
            // `password=…` is a label and its value.
            if let sign = word.firstIndex(of: "="), sign < text.index(before: word.endIndex),
                labels.contains(folded(word[..<sign]))
            {
                label = folded(word[..<sign])
                word = word[word.index(after: sign)...]
            }
            let isLabelled =
                label != nil && word.count >= 4 && !["is", "ist", "was", "the"].contains(folded(word))
            let bare = word.last == "." || word.last == "!" || word.last == "?" ? word.dropLast() : word
            // `NAME=key` holds a key as well.
            let value = bare.split(separator: "=", maxSplits: 1).last ?? bare
            if !isLabelled, value.startIndex > bare.startIndex, value.allSatisfy(isKey), looksLikeKey(value) {
                spans.append(PrivateSpan(kind: "KEY", range: value.startIndex..<value.endIndex))
                label = nil
                continue
            }
            if isLabelled || (bare.allSatisfy(isKey) && looksLikeKey(bare)) {
                // What is labelled may hold any character, also the last.
                spans.append(PrivateSpan(kind: "KEY", range: word.startIndex..<word.endIndex))
                label = nil
            } else if labels.contains(folded(word)), index < text.endIndex,
                "\"':=".contains(text[index]) || folded(word) == "bearer"
                    || text[index...].prefix(5).lowercased().hasPrefix(" is ")
            {
                label = folded(word)
            } else if !["is", "ist", "="].contains(folded(word)) {
                label = nil
            }
        }
        return spans
    }

    /// A label in one spelling: `API_KEY` and `api-key` are `apikey`.
    private static func folded(_ word: Substring) -> String {
        let letters = word.lowercased().filter { $0.isLetter || $0 == "=" }
        return letters.hasSuffix("password") ? "password" : letters.hasSuffix("apikey") ? "apikey" : letters
    }

    private static func looksLikeKey(_ word: Substring) -> Bool {
        let count = word.utf8.count
        if prefixes.contains(where: { word.hasPrefix($0) && count >= $0.utf8.count + 12 }) {
            return word.contains(where: \.isNumber)
        }
        guard count >= 24, !word.contains("."), !word.contains("/") else { return false }
        let classes = [
            word.contains(where: \.isLowercase), word.contains(where: \.isUppercase),
            word.contains(where: \.isNumber),
        ]
        let isHexadecimal = count >= 32 && word.allSatisfy(\.isHexDigit) && word.contains(where: \.isNumber)
        return isHexadecimal || (classes.allSatisfy { $0 } && entropy(word) >= 3.5)
    }

    /// Bits a character.
    private static func entropy(_ word: Substring) -> Double {
        let total = Double(word.utf8.count)
        let counts = word.utf8.reduce(into: [UInt8: Double]()) { $0[$1, default: 0] += 1 }
        return counts.values.reduce(0) { $0 - $1 / total * log2($1 / total) }
    }
}
