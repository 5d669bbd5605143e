import Collab
import Testing

/// A text and the answer that must be read from it; `nil`: nothing can be read.
struct AnswerGolden: Sendable, CustomTestStringConvertible {
    var text: String
    var expected: String?
    var testDescription: String { "“\(text)”" }

    init(_ text: String, _ expected: String?) {
        self.text = text
        self.expected = expected
    }
}

/// Hard cases, most of them from answers of real models or from mistakes of published scoring scripts.
enum AnswerGoldens {
    static let numeric: [AnswerGolden] = [
        // Plain.
        .init("42", "42"),
        .init("The answer is 42.", "42"),
        .init("The answer is 42", "42"),
        .init("#### 42", "42"),
        .init("17 + 25 = 42", "42"),
        .init("17 + 25 = 42.", "42"),
        .init("007", "7"),
        .init("The answer is **42**.", "42"),
        .init("**Answer:** 42", "42"),
        .init("Answer:\n\n42", "42"),
        .init("She has 3 apples and 4 pears, 7 in all.", "7"),
        .init("Die Antwort lautet: 42.", "42"),
        .init("Die Antwort ist nicht 41. Antwort: 42", "42"),
        // Signs are kept, whatever the minus is.
        .init("-5", "-5"),
        .init("The answer is \u{2212}5.", "-5"),
        .init("It is -$5.20", "-5.2"),
        .init("$-5", "-5"),
        .init("+5", "5"),
        // Nobody groups what begins with a zero.
        .init("0,125", "0.125"),
        .init("0,005", "0.005"),
        .init("1,125", "1125"),
        .init("3-5", "5"),
        // Decimals are kept; trailing zeros do not matter, trailing stops are not decimals.
        .init("3.50", "3.5"),
        .init(".5", "0.5"),
        .init("The answer is 3.0", "3"),
        .init("It costs $18.00.", "18"),
        .init("0.000001", "0.000001"),
        // Thousands separators.
        .init("1,234", "1234"),
        .init("1,234,567.89", "1234567.89"),
        .init("1'234", "1234"),
        .init("1\u{202f}234", "1234"),
        .init("1{,}234", "1234"),
        .init("1.234.567", "1234567"),
        .init("1.234,56", "1234.56"),
        .init("1.234", "1.234"),
        .init("3,5", "3.5"),
        .init("(3,5)", "5"),
        .init("1, 2, 3", "3"),
        .init("1,2,3", "3"),
        // Fractions.
        .init("1/2", "0.5"),
        .init("\\frac{1}{2}", "0.5"),
        .init("\\dfrac{3}{4}", "0.75"),
        .init("\\frac12", "0.5"),
        .init("-\\frac{1}{3}", "-1/3"),
        .init("2/6", "1/3"),
        .init("2 1/2", "2.5"),
        .init("2\\frac{1}{2}", "2.5"),
        .init("1½", "1.5"),
        .init("3 / 4", "0.75"),
        .init("1/0", nil),
        // Boxes: the last one, braces balanced, before any other number.
        .init("So \\boxed{42}, which is 2 more than 40.", "42"),
        .init("\\boxed{41} … no, \\boxed{42}", "42"),
        .init("\\boxed{\\frac{3}{4}}", "0.75"),
        .init("$\\boxed{1{,}000}$", "1000"),
        .init("\\boxed{x = 5}", "5"),
        // Percent, units, currencies.
        .init("50%", "50"),
        .init("50 \\%", "50"),
        .init("The answer is 12.5 percent.", "12.5"),
        .init("5 km", "5"),
        .init("The answer is 30 minutes.", "30"),
        .init("€18", "18"),
        .init("5 million", "5000000"),
        .init("90^\\circ", "90"),
        // Scientific notation and powers.
        .init("1.5e3", "1500"),
        .init("1.5 × 10^3", "1500"),
        .init("1.5 \\times 10^{-2}", "0.015"),
        .init("2^10", "1024"),
        // Markers: the last that can be read.
        .init("The answer is 41. Wait. The answer is 42.", "42"),
        .init("The answer is 42. I hope this answer is helpful.", "42"),
        .init("The answer is 5 + 3 = 8.", "8"),
        .init("The answer is not 41. The final answer is 42, since 6 * 7 = 42 and not 43.", "42"),
        .init("The correct answer should be 42 because there are 7 days and 6 weeks.", "42"),
        // What only looks like a number.
        .init("I do not know.", nil),
        .init("", nil),
        .init("H2O", nil),
        .init("GPT-4o said so", nil),
        .init("Covid-19", nil),
        .init("Released on 3/4/2020", nil),
        .init("Version 1.2.3", nil),
        .init("340282366920938463463374607431768211456", "340282366920938463463374607431768211456"),
        .init("0.1000000000000000000000000000000000000001", "0.1000000000000000000000000000000000000001"),
    ]

    static let choice: [AnswerGolden] = [
        .init("A ist falsch. Die Antwort ist B.", "B"),
        .init("B", "B"),
        .init("b", "B"),
        .init("(B)", "B"),
        .init("B.", "B"),
        .init("B) Paris", "B"),
        .init("B: Paris", "B"),
        .init("**B**", "B"),
        .init("The answer is B.", "B"),
        .init("The answer is (B) Paris.", "B"),
        .init("The correct option is B", "B"),
        .init("Answer: B", "B"),
        .init("Answer: **B) Paris**", "B"),
        .init("\\boxed{B}", "B"),
        .init("\\boxed{\\text{B}}", "B"),
        .init("The answer is A. No, wait: the answer is B.", "B"),
        .init("A and B are tempting, but the answer is C.", "C"),
        .init("Paris is the capital.\nB", "B"),
        .init("Let me think.\n\nTherefore (D).", "D"),
        .init("The answer is not B. The answer is C.", "C"),
        .init("I would choose B, since it fits.", "B"),
        // The article and the pronoun are no letters of a choice.
        .init("A dog is an animal.", nil),
        .init("A good question. I think so.", nil),
        .init("Because of that, nobody can say.", nil),
        .init("I cannot decide between B and C.", nil),
        .init("None of them", nil),
        .init("", nil),
        .init("E", nil),
        .init("The answer is E.", nil),
        .init("ABCD", nil),
        .init("C'est la vie", nil),
        .init("A) Berlin\nB) Paris\nC) Rome\nThe answer is B", "B"),
        .init("A) Berlin is wrong.\nB) Paris is right.\nSo the answer should be B.", "B"),
    ]

    static let yesNo: [AnswerGolden] = [
        .init("Yes", "yes"),
        .init("no.", "no"),
        .init("Yes, it is.", "yes"),
        .init("No, it is not.", "no"),
        .init("**Yes**", "yes"),
        .init("The answer is yes.", "yes"),
        .init("The answer is: No", "no"),
        .init("Answer: True", "yes"),
        .init("false", "no"),
        .init("The answer is yes. But then the answer is no.", "no"),
        .init("It is hot in summer, so snow melts. Therefore, no.", "no"),
        .init("Let us see.\nYes.", "yes"),
        .init("There is no evidence for that.", nil),
        .init("No doubt about it.", nil),
        .init("Nothing.", nil),
        .init("Yesterday it rained.", nil),
        .init("I know.", nil),
        .init("", nil),
    ]

    static let label: [AnswerGolden] = [
        .init("facts", "facts"),
        .init("Facts.", "facts"),
        .init("**arithmetic**", "arithmetic"),
        .init("Team: arithmetic", "arithmetic"),
        .init("I would send this to the arithmetic team.", "arithmetic"),
        .init("The answer is facts, not arithmetic", "facts"),
        .init("Either facts or arithmetic.", nil),
        .init("2", nil),
        .init("artifacts", nil),
        .init("other facts", "other facts"),
        .init("It is not facts.", nil),
        .init("These aren't facts, but arithmetic.", "arithmetic"),
        .init("", nil),
    ]

    static let freeText: [AnswerGolden] = [
        .init("Paris", "paris"),
        .init("  The Paris!  ", "paris"),
        .init("The answer is Paris.", "paris"),
        .init("New-York", "new york"),
        .init("1.5", "1.5"),
        .init("3/4", "3/4"),
        .init("-5", "-5"),
        .init("3-5", "3 5"),
        .init("1,000 men", "1000 men"),
        .init("x < 3", "x < 3"),
        .init("x>3", "x > 3"),
        .init("C++!", "c++"),
        .init("C#", "c#"),
        .init("bread and/or water.", "bread andor water"),
        .init("\\boxed{x}", "x"),
        .init("…", nil),
        .init("", nil),
    ]
}
