/// What the members and the router are shown.
enum Examples {
    /// Questions to route by: what a new question has in common with them decides its team.
    static let sumQuestions = [
        "What is 3 + 4?", "What is 17 + 25?", "How much is 12 times 9?", "What is 8 minus 5?",
        "Compute 100 / 4.",
        "What is half of 30?", "What is 6 times 7?", "Add 14 and 23.", "What is 50 - 20?",
    ]
    /// Likewise.
    static let factQuestions = [
        "What is the capital of Spain?", "Who painted the Mona Lisa?", "Which planet is closest to the sun?",
        "What is the largest animal on Earth?", "In which country is Berlin?",
        "What language is spoken in Mexico?", "What is the chemical symbol for iron?",
        "How many legs does an insect have?", "What is frozen water called?",
    ]

    /// Worked sums.
    static let sums: KeyValuePairs = [
        "What is 8 + 5?": "8 + 5 = 13", "What is 23 + 14?": "23 + 14 = 37", "What is 9 - 4?": "9 - 4 = 5",
        "What is 3 times 4?": "3 * 4 = 12",
    ]
    /// Short answers.
    static let facts: KeyValuePairs = [
        "What is the capital of Italy?": "Rome", "What colour is grass?": "Green",
        "How many days are in a week?": "Seven", "What animal gives us wool?": "Sheep",
    ]
    /// Choices between what some say.
    static let hearsay: KeyValuePairs = [
        "What is the capital of Italy? Some say Milan, some say Rome.": "Rome",
        "What colour is grass? Some say green, some say blue.": "Green",
        "What is 9 - 4? Some say 9 - 4 = 5, some say 9 - 4 = 6.": "9 - 4 = 5",
        "How many days are in a week? Some say seven, some say five.": "Seven",
        "What animal gives us wool? Some say cows, some say sheep.": "Sheep",
    ]
}
