import Collab

extension DialogueRenderer {
    /// Puts a scalar into texts, so that no control token can be read in them.
    struct Shield {
        let scalar: Unicode.Scalar
        /// The names and ids of calls that are cut, wherever they are.
        let identifiers: Set<UTF8Key>

        /// All that a message says, cut; the names of its members are the template's, but for those of a tool's arguments.
        func cutting(_ value: JSONValue, isCut: Bool, isArgument: Bool = false) -> JSONValue {
            switch value {
            case .string(let text): return isCut ? .string(cutting(text)) : value
            case .array(let elements):
                return .array(elements.map { cutting($0, isCut: isCut, isArgument: isArgument) })
            case .object(let object):
                var result = JSONObject()
                for member in object {
                    if !isArgument, let identifier = member.identifier {
                        result[member.key] = .string(cutting(identifier: identifier))
                        continue
                    }
                    let key = isArgument && isCut ? cutting(member.key) : member.key
                    result[key] = cutting(
                        member.value,
                        isCut: isCut,
                        isArgument: isArgument || member.key == Message.argumentsKey
                    )
                }
                return .object(result)
            default: return value
            }
        }

        /// The text, cut after every sign.
        private func cutting(_ text: String) -> String {
            var scalars = String.UnicodeScalarView()
            for scalar in text.unicodeScalars {
                scalars.append(scalar)
                if Self.isSign(scalar) { scalars.append(self.scalar) }
            }
            return String(scalars)
        }

        /// A call's name or id, cut if it has to be: in front as well, for what comes before it may not be cut.
        private func cutting(identifier: String) -> String {
            identifiers.contains(UTF8Key(identifier)) ? String(scalar) + cutting(identifier) : identifier
        }

        static func hasSigns(_ text: String) -> Bool { text.unicodeScalars.contains(where: isSign) }

        /// Whether it is an ASCII character that is neither a letter, a digit nor white space.
        private static func isSign(_ scalar: Unicode.Scalar) -> Bool {
            let properties = scalar.properties
            return scalar.isASCII && !properties.isAlphabetic && properties.numericType == nil
                && !properties.isWhitespace
        }
    }
}

extension JSONObject.Member {
    /// What names a tool call, or the call that a result belongs to, if the member of a message does.
    var identifier: String? {
        Message.identifierKeys.contains(key) ? value.stringValue : nil
    }
}
