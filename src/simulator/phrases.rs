//! What people say, in several scripts: accents, right-to-left, wide characters, emoji, quotes,
//! backslashes and line breaks are what text columns must survive.

/// A language with the texts that its speakers leave behind.
#[derive(Debug)]
pub(super) struct Language {
    /// Percent of the people.
    pub(super) weight: u32,
    /// What an agent is called.
    pub(super) agent: &'static str,
    /// What a customer is called.
    pub(super) customer: &'static str,
    /// Intents with the words that led to them.
    pub(super) intents: &'static [(&'static str, &'static str)],
    /// What agents and summaries note.
    pub(super) notes: &'static [&'static str],
    /// What surveys bring.
    pub(super) feedback: &'static [&'static str],
}

/// All languages.
pub(super) const LANGUAGES: [Language; 8] = [
    Language {
        weight: 44,
        agent: "Agent",
        customer: "Customer",
        intents: &[
            ("Pay Bill", "Can you please pay my bill?"),
            ("ConnectToAgent", "agent"),
            ("Track Order", "where's my parcel??"),
            ("Reset Password", "I forgot my \"new\" password"),
        ],
        notes: &[
            "The customer asked about a charge on the last bill. The bot collected the account number and handed over. The agent explained the pro-rated fee, and the customer accepted the explanation.",
            "Customer requested to change the delivery address.\nNew address confirmed.\nNo further questions.",
            "Call dropped twice; customer called back. Router restarted, line test passed \\ no packet loss.",
            "-",
            "The customer wanted to cancel the contract. Offered a lower plan for 12 months; the customer will think about it and call again within the week. A summary was sent by e-mail.",
        ],
        feedback: &["Great, thank you!", "waited too long", "5/5 👍", ""],
    },
    Language {
        weight: 14,
        agent: "Agente",
        customer: "Señora Clienta",
        intents: &[
            ("Pagar factura", "¿Puedo pagar mi factura aquí?"),
            ("Hablar con agente", "quiero hablar con alguien"),
        ],
        notes: &[
            "La clienta preguntó por un cargo duplicado. Se comprobó la cuenta y se abrió una reclamación; recibirá respuesta en un plazo de 48 horas.",
            "El cliente pidió información sobre la instalación. Se le explicó el proceso paso a paso y quedó satisfecho.",
        ],
        feedback: &["Muy amable, ¡gracias!", "Tardó demasiado…"],
    },
    Language {
        weight: 10,
        agent: "Conseiller",
        customer: "Cliente été",
        intents: &[("Résilier", "Je voudrais résilier mon abonnement"), ("Suivi de colis", "où est mon colis ?")],
        notes: &[
            "Le client souhaitait modifier son créneau d’intervention. Nouveau rendez-vous fixé ; œuvre terminée à l’étage.",
            "Rappel demandé : la ligne était coupée à Noël, l’élève n’a pas pu se connecter.",
        ],
        feedback: &["Très bien", "Réponse « correcte » mais lente"],
    },
    Language {
        weight: 8,
        agent: "Агент",
        customer: "Клиент",
        intents: &[("Баланс", "сколько у меня на счёте?"), ("Оператор", "позовите оператора")],
        notes: &[
            "Клиент уточнил остаток по счёту и попросил выслать выписку на электронную почту. Выписка отправлена.",
            "Обращение по качеству связи: проведена диагностика, заявка передана в техническую службу.",
        ],
        feedback: &["Спасибо!", "Долго ждал ответа"],
    },
    Language {
        weight: 7,
        agent: "وكيل",
        customer: "عميل",
        intents: &[("الفاتورة", "أريد دفع الفاتورة"), ("تحويل", "أريد التحدث مع موظف")],
        notes: &[
            "استفسر العميل عن قيمة الفاتورة الأخيرة وتم شرح التفاصيل وإرسال نسخة بالبريد.",
            "طلب العميل تغيير رقم الهاتف (+1 555) وتم التحقق من الهوية.",
        ],
        feedback: &["شكرًا جزيلاً", "الانتظار طويل"],
    },
    Language {
        weight: 7,
        agent: "एजेंट",
        customer: "ग्राहक",
        intents: &[("बिल", "मेरा बिल कितना है?"), ("सहायता", "मुझे किसी से बात करनी है")],
        notes: &[
            "ग्राहक ने अपने बिल के बारे में पूछा; विवरण समझाया गया और भुगतान की पुष्टि हुई।",
            "इंटरनेट की गति धीमी थी, राउटर पुनः चालू करने पर समस्या हल हो गई।",
        ],
        feedback: &["बहुत अच्छा", "धन्यवाद 🙏"],
    },
    Language {
        weight: 6,
        agent: "客服",
        customer: "客户",
        intents: &[("查询订单", "我的订单在哪里？"), ("人工服务", "转人工")],
        notes: &[
            "客户询问订单配送时间，已核对物流信息并告知预计明天送达。客户表示满意。",
            "客户要求退款；已登记申请，三到五个工作日内退回原支付方式。",
        ],
        feedback: &["很满意", "等待时间太长"],
    },
    Language {
        weight: 4,
        agent: "担当",
        customer: "お客様",
        intents: &[("解約", "解約したいです"), ("担当者", "オペレーターをお願いします")],
        notes: &[
            "お客様より請求内容についてお問い合わせ。内訳をご説明し、ご納得いただきました。\tコールバック不要。",
            "👩🏽‍💻 リモートで設定を確認。「接続できません」という表示は解消。",
        ],
        feedback: &["ありがとうございました", "🙂"],
    },
];
